// headers: the security fields of responses, HSTS, and cross-origin resource sharing.
#include "gantry/module.hpp"

#include "cors.hpp"
#include "field_syntax.hpp"
#include "security.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using gantry::Key;
using gantry::Value;
using headers::CorsAnswer;
using headers::CorsRequest;
using std::chrono::hours;

// ---- settings

constexpr const char* const kSets[] = {"off", "basic", "strict", nullptr};
constexpr const char* const kExisting[] = {"keep", "replace", nullptr};
constexpr const char* const kOpener[] = {
    "", "unsafe-none", "same-origin-allow-popups", "same-origin", "noopener-allow-popups", nullptr};
constexpr const char* const kEmbedder[] = {"", "unsafe-none", "credentialless", "require-corp", nullptr};
constexpr const char* const kResource[] = {"", "same-site", "same-origin", "cross-origin", nullptr};

constexpr Key kSecurityKeys[] = {
    Key::choice("set", kSets)
        .example("\"strict\"")
        .doc("Which fields are sent where nothing else is said: none, those that disturb no site, or all of "
             "them."),
    Key::text("csp").example("\"default-src 'self'; img-src *\"").doc("Content-Security-Policy; \"\": none."),
    Key::text("csp_report_only")
        .example("\"default-src 'self'; report-to csp\"")
        .doc("Content-Security-Policy-Report-Only: a policy that is tried out."),
    Key::text("frame_ancestors")
        .list()
        .example("[\"self\", \"https://partner.example\"]")
        .doc("Who may show pages in frames: none, self, origins. Becomes frame-ancestors and "
             "X-Frame-Options."),
    Key::text("referrer_policy").example("\"no-referrer\"").doc("Referrer-Policy; \"\": none."),
    Key::text("permissions_policy")
        .example("\"camera=(), geolocation=(self)\"")
        .doc("Permissions-Policy; \"\": none."),
    Key::choice("opener_policy", kOpener)
        .example("\"same-origin\"")
        .doc("Cross-Origin-Opener-Policy; \"\": none."),
    Key::choice("embedder_policy", kEmbedder)
        .example("\"require-corp\"")
        .doc("Cross-Origin-Embedder-Policy; \"\": none."),
    Key::choice("resource_policy", kResource)
        .example("\"same-site\"")
        .doc("Cross-Origin-Resource-Policy; \"\": none."),
    Key::text("remove")
        .list()
        .example("[\"Server\", \"X-Powered-By\"]")
        .doc("Fields that tell what answers, and are taken out of responses."),
    Key::choice("existing", kExisting)
        .example("\"replace\"")
        .doc("What becomes of fields that the application has set itself."),
};

constexpr Key kHstsKeys[] = {
    Key::timespan("max_age", hours{0}, hours{24 * 3650})
        .example("\"365d\"")
        .doc("How long browsers refuse to use plain HTTP; \"0s\": they forget it."),
    Key::boolean("subdomains").example("true").doc("For all hosts below this one as well."),
    Key::boolean("preload").example("true").doc(
        "The host may be put into the lists that browsers bring along."),
    Key::boolean("always").example("true").doc("Also over plain HTTP: where TLS ends in front of gantry."),
};

constexpr Key kCorsKeys[] = {
    Key::text("origins")
        .list()
        .example("[\"https://app.example.com\", \"https://*.example.org\"]")
        .doc("Whose pages may read responses: origins, patterns of them, \"*\" for all. []: nobody."),
    Key::text("methods").list().example("[\"GET\", \"PUT\"]").doc("Methods that pages may use."),
    Key::text("headers").list().example("[\"Content-Type\"]").doc("Request fields that pages may set."),
    Key::text("expose").list().example("[\"X-Request-Id\"]").doc("Response fields that pages may read."),
    Key::boolean("credentials").example("true").doc("Requests may carry cookies and other credentials."),
    Key::boolean("private_network")
        .example("true")
        .doc("Public pages may reach this host in a private network."),
    Key::timespan("max_age", hours{0}, hours{24})
        .example("\"1h\"")
        .doc("How long browsers remember what they were told."),
};

// Reads the members of one table, which add up: of the location, of its host, of [server].
class Table {
public:
    Table(const gantry::Scope& scope, std::string name) : scope_(scope), name_(std::move(name)) {}

    bool is_there() const { return static_cast<bool>(scope_.find_nearest(name_)); }
    Value find(std::string_view member) const {
        return scope_.find_nearest(name_ + "." + std::string(member));
    }
    bool flag(std::string_view member) const { return find(member).boolean(); }
    std::optional<std::string> text(std::string_view member) const {
        const Value value = find(member);
        return value ? std::optional<std::string>(value.text()) : std::nullopt;
    }
    std::optional<std::vector<std::string>> list(std::string_view member) const {
        const Value value = find(member);
        if (!value) return std::nullopt;
        std::vector<std::string> items;
        for (std::uint32_t i = 0; i < value.count(); ++i) items.emplace_back(value[i].text());
        return items;
    }
    std::chrono::seconds seconds(std::string_view member, std::chrono::seconds standard) const {
        const Value value = find(member);
        return value ? std::chrono::duration_cast<std::chrono::seconds>(value.timespan()) : standard;
    }

    // Says each at its place.
    void report(gantry::Scope& scope, const headers::Problems& problems) const {
        for (const headers::Problem& problem : problems)
            scope.error(problem.message, problem.hint, find(problem.key));
    }

private:
    const gantry::Scope& scope_;
    std::string name_;
};

headers::SecuritySettings security_settings(const Table& table) {
    headers::SecuritySettings settings;
    using Set = headers::SecuritySettings::Set;
    const std::string set = table.text("set").value_or(table.is_there() ? "basic" : "off");
    settings.set = set == "strict" ? Set::Strict : set == "basic" ? Set::Basic : Set::Off;
    settings.csp = table.text("csp");
    settings.csp_report_only = table.text("csp_report_only");
    settings.frame_ancestors = table.list("frame_ancestors");
    settings.referrer_policy = table.text("referrer_policy");
    settings.permissions_policy = table.text("permissions_policy");
    settings.opener_policy = table.text("opener_policy");
    settings.embedder_policy = table.text("embedder_policy");
    settings.resource_policy = table.text("resource_policy");
    settings.remove = table.list("remove");
    settings.replaces = table.text("existing") == "replace";
    return settings;
}

headers::CorsSettings cors_settings(const Table& table) {
    headers::CorsSettings settings;
    settings.origins = table.list("origins").value_or(std::vector<std::string>{});
    settings.methods = table.list("methods").value_or(std::vector<std::string>{"GET", "HEAD", "POST"});
    settings.headers = table.list("headers").value_or(std::vector<std::string>{});
    settings.expose = table.list("expose").value_or(std::vector<std::string>{});
    settings.credentials = table.flag("credentials");
    settings.private_network = table.flag("private_network");
    settings.max_age = table.seconds("max_age", std::chrono::minutes{10});
    return settings;
}

// ---- security

class SecurityFilter {
public:
    static constexpr const char* name = "headers.security";
    static constexpr bool in_hosts = true;
    static constexpr Key keys[] = {
        Key::table("security_headers", kSecurityKeys)
            .in(gantry::kAnywhere)
            .short_for("set")
            .example("\"strict\"")
            .doc("Fields that tell browsers what pages may do, and that keep quiet about what answers."),
        Key::table("hsts", kHstsKeys)
            .in(gantry::kAnywhere)
            .short_for("max_age")
            .example("{ max_age = \"365d\", subdomains = true }")
            .doc("Strict-Transport-Security: browsers use TLS alone. Sent over TLS only."),
    };

    static std::unique_ptr<SecurityFilter> create(gantry::Scope& scope) {
        const Table security{scope, "security_headers"};
        const Table hsts{scope, "hsts"};
        if (!security.is_there() && !hsts.is_there()) return nullptr;
        auto made = std::make_unique<SecurityFilter>();
        headers::Problems problems;
        made->security_ = headers::Security::make(security_settings(security), problems);
        security.report(scope, problems);
        if (hsts.is_there()) {
            problems.clear();
            const headers::HstsSettings settings{hsts.seconds("max_age", hours{24 * 365}),
                                                 hsts.flag("subdomains"), hsts.flag("preload"),
                                                 hsts.flag("always")};
            made->hsts_ = headers::hsts_value(settings, problems);
            made->hsts_always_ = settings.always;
            hsts.report(scope, problems);
        }
        return made;
    }

    void head(gantry::Exchange& exchange) const {
        const gantry::Fields fields = exchange.response().fields();
        for (const std::string& telling : security_.removed()) fields.remove(telling);
        const auto policy = fields.find("Content-Security-Policy");
        const bool needs_frames = !security_.frame_policy().empty() && policy &&
                                  !headers::has_directive(*policy, "frame-ancestors");
        for (const auto& field : security_.fields()) {
            if (!field.is_kept || !fields.has(field.name)) fields.set(field.name, field.value);
        }
        // Policies add up: a page may do what all of them allow.
        if (needs_frames) fields.add("Content-Security-Policy", security_.frame_policy());
        if (hsts_.empty()) return;
        // RFC 6797 7.2: not over plain HTTP.
        if (hsts_always_ || exchange.scheme() == "https") {
            fields.set("Strict-Transport-Security", hsts_);
        } else {
            fields.remove("Strict-Transport-Security");
        }
    }

private:
    headers::Security security_;
    std::string hsts_;  // "": not said
    bool hsts_always_ = false;
};

// ---- cross-origin resource sharing

// What is there stays; one field where it fits.
void vary(const gantry::Fields& fields, std::string_view name) {
    std::size_t count = 0;
    bool has = false;
    std::string_view last;
    fields.each([&](std::string_view field, std::string_view value) {
        if (!headers::is_same(field, "Vary")) return;
        ++count;
        last = value;
        has = has || headers::has_element(value, name) || headers::has_element(value, "*");
    });
    if (has) return;
    char joined[512];
    const int size = std::snprintf(joined, sizeof(joined), "%.*s, %.*s", static_cast<int>(last.size()),
                                   last.data(), static_cast<int>(name.size()), name.data());
    if (count == 1 && !last.empty() && size > 0 && static_cast<std::size_t>(size) < sizeof(joined)) {
        fields.set("Vary", {joined, static_cast<std::size_t>(size)});
    } else {
        fields.add("Vary", name);
    }
}

class CorsFilter {
public:
    static constexpr const char* name = "headers.cors";
    static constexpr bool in_hosts = true;
    static constexpr bool takes_preflights = true;
    static constexpr Key keys[] = {
        Key::table("cors", kCorsKeys)
            .in(gantry::kAnywhere)
            .short_for("origins")
            .example("{ origins = [\"https://app.example.com\"], credentials = true }")
            .doc("Which pages of other origins may read responses. What the application says of it is "
                 "replaced."),
    };

    static std::unique_ptr<CorsFilter> create(gantry::Scope& scope) {
        const Table table{scope, "cors"};
        if (!table.is_there()) return nullptr;
        const headers::CorsSettings settings = cors_settings(table);
        headers::Problems problems;
        auto made = std::make_unique<CorsFilter>();
        made->cors_ = headers::Cors::make(settings, problems);
        table.report(scope, problems);
        if (settings.origins.empty()) return nullptr;
        return made;
    }

    // Browsers ask without credentials, so nobody else may judge the question first. head() has the answer.
    gantry::Verdict preaccess(gantry::Exchange& exchange) const {
        if (!request_of(exchange).is_preflight()) return gantry::Verdict::Next;
        exchange.response().status(204).body({});
        return gantry::Verdict::Done;
    }

    void head(gantry::Exchange& exchange) const {
        const gantry::Fields fields = exchange.response().fields();
        const CorsAnswer answer = cors_.answer(request_of(exchange));
        const auto say = [&](std::string_view field, std::string_view value) {
            value.empty() ? fields.remove(field) : fields.set(field, value);
        };
        say("Access-Control-Allow-Origin", answer.origin);
        say("Access-Control-Allow-Credentials", answer.credentials);
        say("Access-Control-Allow-Methods", answer.methods);
        say("Access-Control-Allow-Headers", answer.headers);
        say("Access-Control-Max-Age", answer.max_age);
        say("Access-Control-Expose-Headers", answer.expose);
        say("Access-Control-Allow-Private-Network", answer.private_network);
        headers::each_element(answer.vary, [&](std::string_view one) { vary(fields, one); });
    }

private:
    static CorsRequest request_of(const gantry::Exchange& exchange) {
        const gantry::Fields fields = exchange.fields();
        return {exchange.method(), fields["Origin"], fields["Access-Control-Request-Method"],
                fields["Access-Control-Request-Private-Network"] == "true"};
    }

    headers::Cors cors_;
};

}  // namespace

GANTRY_MODULE("headers", "1.0.0", "Security fields, HSTS, and cross-origin resource sharing.",
              gantry::HeaderFilter<SecurityFilter>, gantry::Preaccess<CorsFilter>,
              gantry::HeaderFilter<CorsFilter>);
