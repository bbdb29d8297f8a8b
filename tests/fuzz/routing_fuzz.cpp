// Any host name, path, query and fields against fixed tables: the answer has to be that of a plain search.
#include "core/server/host_table.hpp"
#include "core/server/location_table.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace gantry;
using namespace gantry::server;

namespace {

conf::Host make_host() {
    conf::Host host;
    const auto add = [&](conf::Pattern::Kind kind, std::string text) -> conf::Location& {
        host.locations.emplace_back();
        host.locations.back().patterns.push_back({kind, std::move(text), false, {}});
        return host.locations.back();
    };
    using Kind = conf::Pattern::Kind;
    using Source = conf::Condition::Source;
    using Test = conf::Condition::Test;
    for (const char* text : {"/", "/a", "/a/", "/a/b/", "/ab", "/api/v1/", "/static/"})
        add(Kind::Prefix, text);
    for (const char* text : {"/", "/a", "/exact", "/a/b/c"}) add(Kind::Exact, text).priority = -1;
    add(Kind::Regex, "^/r/(?<id>[0-9]+)$");
    add(Kind::Regex, "(a+)+$").methods = {"POST", "PURGE"};
    add(Kind::Prefix, "/a").conditions = {{Source::Query, "q", Test::Regex, "^x", {}},
                                          {Source::Cookie, "c", Test::Absent, "", {}}};
    add(Kind::Prefix, "/").conditions = {{Source::Header, "x-v", Test::Equals, "2", {}}};
    add(Kind::Prefix, "/s").methods = {"GET"};
    return host;
}

const conf::Host& host() {
    static const conf::Host made = make_host();
    return made;
}

void try_location(std::string_view path, std::string_view query, std::string_view fields,
                  http::Method method) {
    static const LocationTable table = [] {
        Problems problems;
        return LocationTable::build(host(), problems);
    }();
    Arena arena;
    http::RequestHead head(arena);
    head.method = method;
    head.method_name = method == http::Method::Other ? "PURGE" : http::name_of(method);
    head.path = path;
    head.query = query;
    head.has_query = !query.empty();
    head.headers.add("Cookie", fields);
    head.headers.add("X-V", fields);
    const LocationMatch match = table.find(head, path, IpBytes{}, arena);
    using Outcome = LocationMatch::Outcome;
    if (match.outcome == Outcome::MethodNotAllowed && match.allow.empty()) std::abort();
    if (match.outcome == Outcome::NotFound && path.starts_with('/')) std::abort();  // "/" covers them all
    if (match.outcome != Outcome::Found) return;
    const conf::Pattern& pattern = host().locations[match.location].patterns[0];
    switch (pattern.kind) {
        case conf::Pattern::Kind::Exact:
            if (path != pattern.text) std::abort();
            break;
        case conf::Pattern::Kind::Prefix:
            if (!path.starts_with(pattern.text) || match.pattern != pattern.text) std::abort();
            // No longer one without conditions was passed over.
            for (std::size_t i = 0; i < 7; ++i) {
                const std::string& other = host().locations[i].patterns[0].text;
                if (path.starts_with(other) && other.size() > pattern.text.size()) std::abort();
            }
            break;
        case conf::Pattern::Kind::Regex:
            if (match.captures.empty()) std::abort();
            break;
    }
}

void try_host(std::string_view name) {
    static const HostTable table = [] {
        HostTable made;
        made.add_exact("example.com", 1);
        made.add_exact("www.example.com", 2);
        made.add_exact("::1", 3);
        made.add_wildcard("example.com", 4);
        made.add_wildcard("dev.example.com", 5);
        made.add_wildcard("org", 6);
        made.add_regex(std::move(*Regex::compile("^(?<n>[a-z]+)\\.test$")), 7);
        made.set_default(8);
        return made;
    }();
    Arena arena;
    const HostMatch match = table.find(name, arena);
    if (!match.is_found || match.is_failed || match.host < 1 || match.host > 8) std::abort();
    if (!match.is_found) std::abort();
    if ((match.host == 4 || match.host == 5) && name.size() < sizeof "x.example.com" - 1) std::abort();
    if (match.host == 7 && match.captures.size() != 2) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto method = static_cast<http::Method>(data[0] % 10);
    std::vector<std::string_view> lines;
    std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
    while (lines.size() < 3) {
        const auto end = std::min(rest.find('\n'), rest.size());
        lines.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    try_host(lines[0]);
    try_location(lines[0], lines[1], lines[2], method);
    try_location(rest, lines[1], lines[2], method);
    return 0;
}
