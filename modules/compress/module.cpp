// compress: zstd, br and gzip for responses, as they are sent.
#include "gantry/module.hpp"

#include "coding.hpp"
#include "encoder.hpp"
#include "field_syntax.hpp"
#include "load.hpp"
#include "rules.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using compression::Coding;
using compression::Flush;
using gantry::Key;
using gantry::Value;

// ---- settings

constexpr std::int64_t kMiB = 1024 * 1024;
constexpr const char* const kCodingNames[] = {"zstd", "br", "gzip", nullptr};
constexpr const char* const kTypes[] = {"text/*",
                                        "*+json",
                                        "*+xml",
                                        "application/json",
                                        "application/javascript",
                                        "application/xml",
                                        "application/wasm",
                                        "application/vnd.ms-fontobject",
                                        "font/otf",
                                        "font/ttf",
                                        "image/bmp",
                                        "image/vnd.microsoft.icon",
                                        "image/x-icon"};

constexpr Key kCompressKeys[] = {
    Key::boolean("enabled").example("true").doc("Whether responses are compressed."),
    Key::choice("codings", kCodingNames)
        .list()
        .example("[\"br\", \"gzip\"]")
        .doc("What is offered; the order decides where a client likes several as much."),
    Key::text("types")
        .list()
        .example("[\"text/*\", \"*+json\", \"application/json\"]")
        .doc("Media types that are compressed."),
    Key::size("min_size", 0, 1024 * kMiB)
        .example("\"2KiB\"")
        .doc("Shorter bodies stay as they are, where their size is known beforehand."),
    Key::integer("zstd_level", 1, 12).example("3").doc("How hard zstd tries."),
    Key::integer("br_level", 1, 9).example("4").doc("How hard br tries."),
    Key::integer("gzip_level", 1, 9).example("5").doc("How hard gzip tries."),
    Key::integer("load_from", 1, 100)
        .example("80")
        .doc(
            "Percent of a processor that a worker may want before levels begin to fall; 100: they never do."),
    Key::integer("load_full", 1, 100).example("90").doc("Percent from which on the level is 1."),
    Key::boolean("breach_guard")
        .example("false")
        .doc("Answers to requests that other sites may have made with the credentials of a visitor stay as "
             "they are."),
};

struct Settings {
    std::vector<Coding> codings{Coding::Zstd, Coding::Brotli, Coding::Gzip};
    compression::Types types{{std::begin(kTypes), std::end(kTypes)}};
    std::uint64_t min_size = 1024;
    std::array<int, compression::kCodings> levels{3, 4, 5};
    int load_from = 70;
    int load_full = 95;
    bool guards = true;
};

// Tables add up member by member: of the location, of its host, of [server].
Value find(const gantry::Scope& scope, std::string_view member) {
    return scope.find_nearest("compress." + std::string(member));
}

void read_number(const gantry::Scope& scope, std::string_view member, int& to) {
    if (const Value value = find(scope, member)) to = static_cast<int>(value.integer());
}

std::vector<std::string> read_types(gantry::Scope& scope, Value types) {
    std::vector<std::string> patterns;
    for (std::uint32_t i = 0; i < types.count(); ++i) {
        patterns.emplace_back(types[i].text());
        if (compression::Types::is_pattern(patterns.back())) continue;
        scope.error("\"" + patterns.back() + "\" is no media type",
                    "for example: text/*, *+json, application/json", types[i]);
    }
    return patterns;
}

Settings read_settings(gantry::Scope& scope) {
    Settings settings;
    if (const Value codings = find(scope, "codings")) {
        settings.codings.clear();
        for (std::uint32_t i = 0; i < codings.count(); ++i)
            settings.codings.push_back(*compression::coding_of(codings[i].text()));
    }
    if (const Value types = find(scope, "types"))
        settings.types = compression::Types{read_types(scope, types)};
    if (const Value size = find(scope, "min_size"))
        settings.min_size = static_cast<std::uint64_t>(size.integer());
    for (const Coding coding : {Coding::Zstd, Coding::Brotli, Coding::Gzip}) {
        read_number(scope, std::string(compression::name_of(coding)) + "_level",
                    settings.levels[static_cast<std::size_t>(coding)]);
    }
    read_number(scope, "load_from", settings.load_from);
    read_number(scope, "load_full", settings.load_full);
    const Value from = find(scope, "load_from");
    if (settings.load_from < 100 && settings.load_from >= settings.load_full) {
        scope.error("levels would begin to fall where they have fallen already",
                    "load_from has to be less than load_full, or 100",
                    from ? from : find(scope, "load_full"));
    }
    if (const Value guard = find(scope, "breach_guard")) settings.guards = guard.boolean();
    return settings;
}

// What all places share: the limit of memory.
class Memory {
public:
    static constexpr Key keys[] = {
        Key::size("compress_memory", kMiB, 65536 * kMiB)
            .in(gantry::kInServer)
            .standard("\"128MiB\"")
            .example("\"256MiB\"")
            .doc("What encoders of the module compress may hold together; responses beyond that stay as they "
                 "are."),
    };

    static std::unique_ptr<Memory> prepare(gantry::Scope& top, Memory* /*old*/) {
        auto made = std::make_unique<Memory>();
        made->limit_ = static_cast<std::size_t>(top.find("compress_memory").integer());
        return made;
    }
    void commit() const { compression::Budget::of_process().set_limit(limit_); }

private:
    std::size_t limit_ = 0;
};

// ---- one body on its way

class Body {
public:
    // Without an encoder nothing comes.
    Body(Coding coding, std::unique_ptr<compression::Encoder> encoder, Flush each, Flush pause)
        : encoder_(std::move(encoder)), coding_(coding), each_(each), pause_(pause) {}
    Body(Body&&) = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    Body& operator=(Body&&) = delete;
    ~Body() { let_go(); }

    bool data(std::string_view data, gantry::Sink& sink) { return encode(data, each_, sink); }
    bool pause(gantry::Sink& sink) { return pause_ == Flush::None || encode({}, pause_, sink); }
    bool end(gantry::Sink& sink) {
        const bool is_good = encode({}, Flush::End, sink);
        let_go();  // a client that takes long to read the rest needs it no more
        return is_good;
    }

private:
    bool encode(std::string_view data, Flush flush, gantry::Sink& sink) {
        if (encoder_ == nullptr) return true;
        return encoder_->encode(data, flush, {&sink, [](void* to, std::string_view bytes) {
                                                  static_cast<gantry::Sink*>(to)->send(bytes);
                                              }});
    }
    void let_go() {
        if (encoder_ != nullptr) compression::Pool::of_thread().give(coding_, std::move(encoder_));
    }

    std::unique_ptr<compression::Encoder> encoder_;
    Coding coding_;
    Flush each_;   // after each piece
    Flush pause_;  // where the producer has nothing more for now
};

// ---- the filter

class Compress {
public:
    using Body = ::Body;
    static constexpr Key keys[] = {
        Key::table("compress", kCompressKeys)
            .in(gantry::kAnywhere)
            .short_for("enabled")
            .example("true")
            .doc("Compresses responses for clients that can decode them."),
    };

    static std::unique_ptr<Compress> create(gantry::Scope& scope, Memory& /*memory*/) {
        if (!scope.find_nearest("compress")) return nullptr;
        const Value enabled = find(scope, "enabled");
        auto made = std::make_unique<Compress>(read_settings(scope));
        const bool is_on = !enabled || enabled.boolean();
        return is_on ? std::move(made) : nullptr;
    }

    explicit Compress(Settings settings) : settings_(std::move(settings)) {}

    std::optional<Body> filter(gantry::Exchange& exchange) const {
        gantry::Response response = exchange.response();
        const gantry::Fields fields = response.fields();
        if (response.status() == 304) {
            revalidated(exchange);
            return std::nullopt;
        }
        const std::uint64_t size = response.body_size();
        const std::string_view cache_control = fields["Cache-Control"];
        const compression::Response facts{response.status(),           fields["Content-Type"],
                                          fields["Content-Encoding"],  cache_control,
                                          fields.has("Content-Range"), size};
        if (!compression::is_compressible(facts, settings_.types)) return std::nullopt;
        vary(fields);
        const auto choice = accepted(exchange).choose(settings_.codings);
        if (!choice.coding) return std::nullopt;
        if (size < settings_.min_size && !choice.is_identity_refused) return std::nullopt;
        if (settings_.guards && compression::is_attackable(asker(exchange), cache_control))
            return std::nullopt;

        std::unique_ptr<compression::Encoder>
            encoder;  // none for HEAD, whose head is that of GET all the same
        if (exchange.method() != "HEAD") {
            encoder = compression::Pool::of_thread().take(*choice.coding, level(*choice.coding), size);
            if (encoder == nullptr) return std::nullopt;
        }
        const bool is_events =
            compression::is_same(compression::media_type(facts.content_type), "text/event-stream");
        mark(fields, *choice.coding);
        return Body{*choice.coding, std::move(encoder), is_events ? Flush::Now : Flush::None,
                    size == UINT64_MAX ? Flush::Now : Flush::None};
    }

private:
    int level(Coding coding) const {
        const int level = settings_.levels[static_cast<std::size_t>(coding)];
        if (settings_.load_from >= 100) return level;
        return compression::level_under(compression::LoadMeter::of_thread().percent(), level, 1,
                                        settings_.load_from, settings_.load_full);
    }

    static compression::Accepted accepted(const gantry::Exchange& exchange) {
        compression::Accepted accepted;
        exchange.fields().each([&](std::string_view name, std::string_view value) {
            if (compression::is_same(name, "Accept-Encoding")) accepted.add(value);
        });
        return accepted;
    }

    static compression::Asker asker(const gantry::Exchange& exchange) {
        const gantry::Fields fields = exchange.fields();
        return {fields.has("Cookie"),     fields["Authorization"], fields["Sec-Fetch-Site"],
                fields["Sec-Fetch-User"], fields["Origin"],        fields["Referer"],
                exchange.host_name()};
    }

    // The head of a body that is compressed: other bytes, of which no ranges can be asked for.
    static void mark(const gantry::Fields& fields, Coding coding) {
        fields.set("Content-Encoding", compression::name_of(coding));
        weaken_tag(fields, fields["ETag"]);
        for (const char* name : {"Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"})
            fields.remove(name);
    }

    static void weaken_tag(const gantry::Fields& fields, std::string_view tag) {
        if (tag.empty() || tag.starts_with("W/")) return;
        char weak[256];
        const int size =
            std::snprintf(weak, sizeof(weak), "W/%.*s", static_cast<int>(tag.size()), tag.data());
        if (size > 0 && static_cast<std::size_t>(size) < sizeof(weak)) {
            fields.set("ETag", {weak, static_cast<std::size_t>(size)});
        } else {
            fields.remove("ETag");
        }
    }

    // What the client has was compressed: it knows the tag in its weak form alone (RFC 9111 4.3.4).
    static void revalidated(const gantry::Exchange& exchange) {
        const gantry::Fields fields = exchange.response().fields();
        const std::string_view tag = fields["ETag"];
        if (compression::has_weak_form(exchange.fields()["If-None-Match"], tag)) {
            weaken_tag(fields, tag);
            vary(fields);
        }
    }

    // Caches have to know that it depends on the client, also of those that got it as it is.
    static void vary(const gantry::Fields& fields) {
        std::size_t count = 0;
        bool has = false;
        std::string_view last;
        fields.each([&](std::string_view name, std::string_view value) {
            if (!compression::is_same(name, "Vary")) return;
            ++count;
            last = value;
            has = has || compression::has_element(value, "Accept-Encoding") ||
                  compression::has_element(value, "*");
        });
        if (has) return;
        char joined[512];
        const int size = std::snprintf(joined, sizeof(joined), "%.*s, Accept-Encoding",
                                       static_cast<int>(last.size()), last.data());
        if (count == 1 && !last.empty() && size > 0 && static_cast<std::size_t>(size) < sizeof(joined)) {
            fields.set("Vary", {joined, static_cast<std::size_t>(size)});
        } else {
            fields.add("Vary", "Accept-Encoding");
        }
    }

    Settings settings_;
};

}  // namespace

GANTRY_MODULE("compress", "1.0.0", "Compresses responses by zstd, br and gzip.", gantry::State<Memory>,
              gantry::BodyFilter<Compress>);
