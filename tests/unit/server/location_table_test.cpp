#include "core/server/location_table.hpp"

#include "core/base/clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/server/request_fixture.hpp"

#include <algorithm>
#include <random>

using namespace gantry;
using namespace gantry::server;

namespace {

using Outcome = LocationMatch::Outcome;

conf::Pattern pattern(std::string_view key) {
    conf::Pattern made;
    if (key.starts_with("= ")) {
        made.kind = conf::Pattern::Kind::Exact;
        made.text = key.substr(2);
    } else if (key.starts_with("~*")) {
        made.kind = conf::Pattern::Kind::Regex;
        made.ignore_case = true;
        made.text = key.substr(2);
    } else if (key.starts_with("~")) {
        made.kind = conf::Pattern::Kind::Regex;
        made.text = key.substr(1);
    } else {
        made.text = key;
    }
    return made;
}

// A host made in the order of the calls.
struct HostMaker {
    conf::Location& add(std::string_view key) {
        host.locations.emplace_back();
        host.locations.back().name = key;
        host.locations.back().patterns.push_back(pattern(key));
        return host.locations.back();
    }
    LocationTable build() {
        Problems problems;
        LocationTable table = LocationTable::build(host, problems);
        for (const Problem& problem : problems) INFO(problem.message);
        REQUIRE(problems.empty());
        return table;
    }
    conf::Host host;
};

LocationMatch match(const LocationTable& table, TestRequest& request) {
    return table.find(request.head, request.head.path, request.client, request.arena);
}

// The index of the location, or -1 (nothing) or -2 (405).
int found(const LocationTable& table, TestRequest&& request) {
    const LocationMatch result = match(table, request);
    if (result.outcome == Outcome::Found) return static_cast<int>(result.location);
    return result.outcome == Outcome::MethodNotAllowed ? -2 : -1;
}

int found(const LocationTable& table, std::string_view target, std::string_view method = "GET") {
    return found(table, TestRequest(target, method));
}

conf::Condition condition(conf::Condition::Source source, std::string name, conf::Condition::Test test,
                          std::string value = "") {
    return {source, std::move(name), test, std::move(value), {}};
}

}  // namespace

TEST_CASE("location_table: the longest prefix answers", "[server][location_table]") {
    HostMaker maker;
    for (const char* key : {"/", "/api/", "/api/v1", "/apricot", "/api/v1/users/"}) maker.add(key);
    const LocationTable table = maker.build();
    CHECK(found(table, "/") == 0);
    CHECK(found(table, "/ap") == 0);
    CHECK(found(table, "/api") == 0);
    CHECK(found(table, "/api/") == 1);
    CHECK(found(table, "/api/v") == 1);
    CHECK(found(table, "/api/v1") == 2);
    CHECK(found(table, "/api/v10") == 2);  // a prefix of bytes, not of segments
    CHECK(found(table, "/api/v1/users") == 2);
    CHECK(found(table, "/api/v1/users/7") == 4);
    CHECK(found(table, "/api/v2") == 1);
    CHECK(found(table, "/apricots") == 3);
    CHECK(found(table, "/zzz") == 0);
    CHECK(found(table, "*") == -1);
    CHECK(found(table, "") == -1);
}

TEST_CASE("location_table: says which prefix it was", "[server][location_table]") {
    HostMaker maker;
    maker.add("/api/");
    maker.add("= /x");
    maker.add("~^/r");
    const LocationTable table = maker.build();
    TestRequest request("/api/users");
    CHECK(match(table, request).pattern == "/api/");
    TestRequest exact("/x");
    CHECK(match(table, exact).pattern == "/x");
    TestRequest regex("/r");
    CHECK(match(table, regex).pattern.empty());
}

TEST_CASE("location_table: exact before expressions before prefixes", "[server][location_table]") {
    HostMaker maker;
    maker.add("/img/");
    maker.add("~\\.png$");
    maker.add("~*^/IMG/.*\\.(?<kind>png|gif)$");
    maker.add("= /img/logo.png");
    const LocationTable table = maker.build();
    CHECK(found(table, "/img/logo.png") == 3);
    CHECK(found(table, "/img/other.png") == 1);
    CHECK(found(table, "/img/x.gif") == 2);
    CHECK(found(table, "/img/x.txt") == 0);
    TestRequest request("/img/x.gif");
    std::string_view kind;
    REQUIRE(match(table, request).captures.find("kind", kind));
    CHECK(kind == "gif");
    CHECK(table.expressions(2).size() == 1);
    CHECK(table.expressions(0).empty());
}

TEST_CASE("location_table: priority comes before everything else", "[server][location_table]") {
    HostMaker maker;
    maker.add("= /a/b");
    maker.add("/a/").priority = 10;
    maker.add("~^/a/c").priority = -5;
    maker.add("/");
    const LocationTable table = maker.build();
    CHECK(found(table, "/a/b") == 1);
    CHECK(found(table, "/a/c") == 1);
    CHECK(found(table, "/b") == 3);
}

TEST_CASE("location_table: a location may have several patterns", "[server][location_table]") {
    HostMaker maker;
    conf::Location& location = maker.add("/a/");
    location.patterns.push_back(pattern("= /b"));
    location.patterns.push_back(pattern("~^/c[0-9]$"));
    location.patterns.push_back(pattern("/a/"));
    const LocationTable table = maker.build();
    CHECK(found(table, "/a/x") == 0);
    CHECK(found(table, "/b") == 0);
    CHECK(found(table, "/c7") == 0);
    CHECK(found(table, "/c") == -1);
}

TEST_CASE("location_table: methods fall through, and end in 405 with all that would do",
          "[server][location_table]") {
    HostMaker maker;
    maker.add("/api/").methods = {"GET", "POST"};
    maker.add("/api/").methods = {"DELETE", "PURGE"};
    maker.add("/other").methods = {"POST"};
    const LocationTable table = maker.build();
    CHECK(found(table, "/api/x", "GET") == 0);
    CHECK(found(table, "/api/x", "HEAD") == 0);  // GET implies HEAD
    CHECK(found(table, "/api/x", "DELETE") == 1);
    CHECK(found(table, "/api/x", "PURGE") == 1);
    CHECK(found(table, "/api/x", "purge") == -2);  // methods are case-sensitive
    CHECK(found(table, "/else", "GET") == -1);
    TestRequest request("/api/x", "PUT");
    const LocationMatch refused = match(table, request);
    CHECK(refused.outcome == Outcome::MethodNotAllowed);
    CHECK(refused.allow == "GET, HEAD, POST, DELETE, PURGE");
    TestRequest other("/other", "GET");
    CHECK(match(table, other).allow == "POST");
    TestRequest head("/other", "HEAD");  // only GET implies it
    CHECK(match(table, head).outcome == Outcome::MethodNotAllowed);
}

TEST_CASE("location_table: a shorter prefix takes what a longer one refuses", "[server][location_table]") {
    HostMaker maker;
    maker.add("/api/").methods = {"POST"};
    maker.add("/");
    const LocationTable table = maker.build();
    CHECK(found(table, "/api/x", "POST") == 0);
    CHECK(found(table, "/api/x", "GET") == 1);
}

TEST_CASE("location_table: a location that refuses for another reason is not part of Allow",
          "[server][location_table]") {
    HostMaker maker;
    conf::Location& guarded = maker.add("/a");
    guarded.methods = {"PUT"};
    guarded.clients = {"10.0.0.0/8"};
    maker.add("/a").methods = {"GET"};
    const LocationTable table = maker.build();
    TestRequest outside("/a", "POST");
    CHECK(match(table, outside).allow == "GET, HEAD");
    TestRequest inside("/a", "POST");
    inside.from("10.1.1.1");
    CHECK(match(table, inside).allow == "GET, HEAD, PUT");
    // All that could match refuse by address: to this client there is nothing here.
    HostMaker alone;
    conf::Location& only = alone.add("/a");
    only.methods = {"PUT"};
    only.clients = {"10.0.0.0/8"};
    CHECK(found(alone.build(), "/a", "GET") == -1);
}

TEST_CASE("location_table: conditions on header fields", "[server][location_table]") {
    using Source = conf::Condition::Source;
    using Test = conf::Condition::Test;
    HostMaker maker;
    maker.add("/").conditions = {condition(Source::Header, "X-Version", Test::Equals, "2")};
    maker.add("/").conditions = {condition(Source::Header, "user-agent", Test::Regex, "(?i)bot")};
    maker.add("/").conditions = {condition(Source::Header, "Authorization", Test::Present)};
    maker.add("/").conditions = {condition(Source::Header, "Accept", Test::Absent)};
    maker.add("/");
    const LocationTable table = maker.build();
    const auto with = [&](std::string_view name, std::string_view value) {
        return found(table, std::move(TestRequest("/").with("Accept", "*/*").with(name, value)));
    };
    CHECK(with("x-version", "2") == 0);
    CHECK(with("x-version", "3") == 4);
    CHECK(with("X-Version", "22") == 4);
    CHECK(with("User-Agent", "GoogleBot/1") == 1);
    CHECK(with("authorization", "") == 2);
    CHECK(with("X-Else", "1") == 4);
    CHECK(found(table, "/") == 3);
    // One of several fields of a name is enough; for `absent` one is too many.
    CHECK(found(table, std::move(TestRequest("/").with("X-Version", "1").with("X-VERSION", "2"))) == 0);
}

TEST_CASE("location_table: conditions on query and cookies", "[server][location_table]") {
    using Source = conf::Condition::Source;
    using Test = conf::Condition::Test;
    HostMaker maker;
    maker.add("/").conditions = {condition(Source::Query, "q", Test::Equals, "a b&c")};
    maker.add("/").conditions = {condition(Source::Cookie, "beta", Test::Equals, "1"),
                                 condition(Source::Query, "old", Test::Absent)};
    maker.add("/").conditions = {condition(Source::Query, "debug", Test::Present)};
    maker.add("/");
    const LocationTable table = maker.build();
    CHECK(found(table, "/?q=a%20b%26c") == 0);
    CHECK(found(table, "/?x&q=a+b%26c") == 0);
    CHECK(found(table, "/?q=a&q=a+b%26c") == 3);  // the first of a name counts
    CHECK(found(table, "/?debug") == 2);
    CHECK(found(table, "/?debugger") == 3);
    CHECK(found(table, std::move(TestRequest("/").with("Cookie", "a=b; beta=1"))) == 1);
    CHECK(found(table, std::move(TestRequest("/").with("Cookie", "a=b").with("Cookie", "beta=1"))) == 1);
    CHECK(found(table, std::move(TestRequest("/").with("Cookie", "xbeta=1; beta=2"))) == 3);
    CHECK(found(table, std::move(TestRequest("/?old").with("Cookie", "beta=1"))) == 3);
}

TEST_CASE("location_table: conditions on the client's address", "[server][location_table]") {
    HostMaker maker;
    maker.add("/admin").clients = {"10.0.0.0/8", "2001:db8::/32"};
    maker.add("/");
    const LocationTable table = maker.build();
    CHECK(found(table, std::move(TestRequest("/admin").from("10.2.3.4"))) == 0);
    CHECK(found(table, std::move(TestRequest("/admin").from("2001:db8::9"))) == 0);
    CHECK(found(table, std::move(TestRequest("/admin").from("11.2.3.4"))) == 1);
}

TEST_CASE("location_table: an expression that gives up fails closed", "[server][location_table]") {
    HostMaker maker;
    maker.add("~^/(a+)+$");
    maker.add("/");
    const LocationTable table = maker.build();
    const std::string target = "/" + std::string(64, 'a') + "!";
    TestRequest request(target);
    CHECK(match(table, request).outcome == Outcome::Failed);

    HostMaker guarded;
    guarded.add("/").conditions = {
        condition(conf::Condition::Source::Header, "X", conf::Condition::Test::Regex, "^(a+)+$")};
    guarded.add("/");
    TestRequest hostile("/");
    hostile.with("X", std::string_view(target).substr(1));
    CHECK(match(guarded.build(), hostile).outcome == Outcome::Failed);
}

TEST_CASE("location_table: every problem is reported, and its location left out",
          "[server][location_table]") {
    HostMaker maker;
    conf::Location& first = maker.add("/a");
    first.clients = {"10.0.0.1/8", "x"};
    first.conditions = {condition(conf::Condition::Source::Header, "X", conf::Condition::Test::Regex, "(")};
    maker.add("~[");
    maker.add("/");
    Problems problems;
    const LocationTable table = LocationTable::build(maker.host, problems);
    CHECK(problems.size() == 4);
    CHECK(found(table, "/a") == 2);
}

TEST_CASE("location_table: answers as a plain search does, for random tables", "[server][location_table]") {
    std::mt19937 random(7);
    const auto text = [&](std::size_t most) {
        std::string made = "/";
        for (std::size_t i = random() % most; i > 0; --i) made += "ab/\xff"[random() % 4];
        return made;
    };
    for (int round = 0; round < 300; ++round) {
        HostMaker maker;
        for (std::size_t i = 1 + random() % 12; i > 0; --i) {
            conf::Location& location = maker.add((random() % 4 == 0 ? "= " : "") + text(6));
            location.priority = static_cast<int>(random() % 2);
            if (random() % 3 == 0) location.methods = {"POST"};
        }
        const LocationTable table = maker.build();
        for (int i = 0; i < 40; ++i) {
            const std::string path = text(8);
            int best = -1;
            bool refused = false;
            // (priority, exact, length) ascending; the first of equals stays.
            std::tuple<int, bool, std::size_t> best_rank;
            for (std::size_t n = 0; n < maker.host.locations.size(); ++n) {
                const conf::Location& location = maker.host.locations[n];
                const conf::Pattern& its = location.patterns[0];
                const bool exact = its.kind == conf::Pattern::Kind::Exact;
                if (exact ? path != its.text : !path.starts_with(its.text)) continue;
                if (!location.methods.empty()) {
                    refused = true;
                    continue;
                }
                const std::tuple rank{location.priority, exact, its.text.size()};
                if (best >= 0 && rank <= best_rank) continue;
                best = static_cast<int>(n);
                best_rank = rank;
            }
            INFO(path);
            REQUIRE(found(table, path) == (best >= 0 ? best : refused ? -2 : -1));
        }
    }
}

TEST_CASE("location_table: two prefixes take less than half a kilobyte", "[server][location_table]") {
    HostMaker maker;
    maker.add("/");
    maker.add("/api/");
    const LocationTable table = maker.build();
    CHECK(sizeof table + table.memory() < 512);
}

TEST_CASE("location_table: among five thousand locations a lookup costs little more than among five",
          "[server][location_table]") {
    const auto made = [](int count) {
        HostMaker maker;
        for (int i = 0; i < count; ++i) maker.add("/service-" + std::to_string(i) + "/v1/");
        return maker.build();
    };
    const LocationTable small = made(5);
    const LocationTable large = made(5000);
    const auto cost = [](const LocationTable& table) {
        TestRequest request("/service-3/v1/things");
        std::int64_t best = 1'000'000'000;
        for (int round = 0; round < 20; ++round) {
            const std::int64_t start = monotonic_nanos();
            for (int i = 0; i < 1'000; ++i) REQUIRE_FALSE(match(table, request).pattern.empty());
            best = std::min(best, monotonic_nanos() - start);
        }
        return best;
    };
    CHECK(cost(large) < 10 * cost(small));
}
