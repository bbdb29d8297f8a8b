#include "core/conf/snapshot.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace gantry::conf {
namespace {

// A line that says the format, then values: each its length in decimal, ':' and its bytes. A record is the
// name of its kind followed by as many values as that kind has; a list is its count and its items; the
// last record is kEnd alone.
constexpr std::string_view kHead = "gantry snapshot 1\n";
constexpr std::string_view kEnd = "end";

class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}
    Writer& value(std::string_view text) {
        fmt::format_to(std::back_inserter(out_), "{}:", text.size());
        out_.append(text);
        return *this;
    }
    void file(std::string_view kind, std::string_view name, const Snapshot::File& file) {
        value(kind).value(name).value(file.text).value(file.error);
        value(file.is_everyones ? "everyone's" : "");
    }

private:
    std::string& out_;
};

class ValueReader {
public:
    explicit ValueReader(std::string_view bytes) : left_(bytes) {}
    bool at_end() const { return left_.empty(); }
    bool is_sound() const { return is_sound_; }

    std::string_view value() {
        const std::size_t colon = left_.substr(0, 21).find(':');
        const auto size = colon == left_.npos ? std::nullopt : parse_decimal(left_.substr(0, colon));
        if (!size || *size > left_.size() - colon - 1) {
            is_sound_ = false;
            left_ = {};
            return {};
        }
        const std::string_view out = left_.substr(colon + 1, *size);
        left_.remove_prefix(colon + 1 + *size);
        return out;
    }

private:
    std::string_view left_;
    bool is_sound_ = true;
};

bool read_record(std::string_view kind, ValueReader& in, Snapshot& out) {
    const std::string name(in.value());
    if (kind == "file" || kind == "value") {
        Snapshot::File& file = (kind == "file" ? out.files : out.values)[name];
        file.text = in.value();
        file.error = in.value();
        file.is_everyones = in.value() == "everyone's";
    } else if (kind == "variable") {
        out.variables[name] = in.value();
    } else if (kind == "pattern") {
        auto& matches = out.patterns[name];
        const auto count = parse_decimal(in.value());
        for (std::uint64_t i = 0; in.is_sound() && i < count.value_or(0); ++i)
            matches.emplace_back(in.value());
    } else {
        return false;
    }
    return in.is_sound();
}

}  // namespace

std::string render(const Snapshot& snapshot) {
    std::string out(kHead);
    Writer writer(out);
    for (const auto& [name, file] : snapshot.files) writer.file("file", name, file);
    for (const auto& [name, file] : snapshot.values) writer.file("value", name, file);
    for (const auto& [name, value] : snapshot.variables) writer.value("variable").value(name).value(value);
    for (const auto& [pattern, matches] : snapshot.patterns) {
        writer.value("pattern").value(pattern).value(std::to_string(matches.size()));
        for (const std::string& match : matches) writer.value(match);
    }
    writer.value(kEnd);
    return out;
}

std::optional<Snapshot> parse_snapshot(std::string_view bytes) {
    if (!bytes.starts_with(kHead)) return std::nullopt;
    ValueReader in(bytes.substr(kHead.size()));
    Snapshot out;
    for (;;) {
        const std::string_view kind = in.value();
        if (kind == kEnd) return in.at_end() ? std::optional(std::move(out)) : std::nullopt;
        if (!read_record(kind, in, out)) return std::nullopt;
    }
}

}  // namespace gantry::conf
