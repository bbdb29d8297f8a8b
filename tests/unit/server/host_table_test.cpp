#include "core/server/host_table.hpp"

#include "core/base/clock.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace gantry;
using namespace gantry::server;

namespace {

constexpr std::uint32_t kNobody = 999;

std::uint32_t host_of(const HostTable& table, std::string_view name) {
    Arena arena;
    const HostMatch match = table.find(name, arena);
    return match.is_found ? match.host : kNobody;
}

conf::Host host(std::string name, conf::HostName::Kind kind, std::vector<std::size_t> listeners) {
    conf::Host made;
    made.name = name;
    made.names.push_back({kind, name, {}});
    made.listeners = std::move(listeners);
    return made;
}

std::string nth_name(std::size_t n) {
    return "customer-" + std::to_string(n) + ".hosting.example.com";
}

}  // namespace

TEST_CASE("host_table: exact names, whatever their case or trailing dot", "[server][host_table]") {
    HostTable table;
    CHECK(table.add_exact("example.com", 1));
    CHECK(table.add_exact("WWW.Example.com", 2));
    CHECK(table.add_exact("::1", 3));
    CHECK_FALSE(table.add_exact("EXAMPLE.COM.", 4));
    CHECK(host_of(table, "example.com") == 1);
    CHECK(host_of(table, "EXAMPLE.com") == 1);
    CHECK(host_of(table, "example.com.") == 1);
    CHECK(host_of(table, "www.example.com") == 2);
    CHECK(host_of(table, "[::1]") == 3);
    for (const char* name : {"", ".", "example", "xexample.com", "example.comx", "example.com..",
                             ".example.com", "w.example.com", "www.example.com.org"}) {
        INFO(name);
        CHECK(host_of(table, name) == kNobody);
    }
    CHECK(host_of(table, std::string(70'000, 'a')) == kNobody);
    CHECK(host_of(table, std::string(256, 'a')) == kNobody);
}

TEST_CASE("host_table: a wildcard covers any depth below, the longest wins", "[server][host_table]") {
    HostTable table;
    table.add_wildcard("example.com", 1);
    table.add_wildcard("a.example.com", 2);
    table.add_wildcard("org", 3);
    table.add_exact("b.example.com", 4);
    CHECK(host_of(table, "x.example.com") == 1);
    CHECK(host_of(table, "x.y.z.example.com") == 1);
    CHECK(host_of(table, "X.A.EXAMPLE.COM.") == 2);
    CHECK(host_of(table, "x.y.a.example.com") == 2);
    CHECK(host_of(table, "a.example.com") == 1);
    CHECK(host_of(table, "b.example.com") == 4);
    CHECK(host_of(table, "x.b.example.com") == 1);
    CHECK(host_of(table, "anything.org") == 3);
    CHECK(host_of(table, "example.com") == kNobody);
    CHECK(host_of(table, "org") == kNobody);
    CHECK(host_of(table, ".example.com") == kNobody);
    CHECK(host_of(table, "xexample.com") == kNobody);
    CHECK(host_of(table, "com") == kNobody);
}

TEST_CASE("host_table: names of very many labels find their wildcard", "[server][host_table]") {
    HostTable table;
    table.add_wildcard("example.com", 1);
    std::string labels;
    for (int i = 0; i < 100; ++i) labels += "a.";
    CHECK(host_of(table, labels + "example.com") == 1);
    CHECK(host_of(table, labels + "example.org") == kNobody);
}

TEST_CASE("host_table: expressions come last, in order, with captures", "[server][host_table]") {
    HostTable table;
    table.add_exact("shop.example.com", 1);
    table.add_wildcard("dev.example.com", 2);
    table.add_regex(std::move(*Regex::compile("^(?<project>[a-z]+)\\.", Case::Ignore)), 3);
    table.add_regex(std::move(*Regex::compile("example")), 4);
    table.set_default(5);
    CHECK(host_of(table, "shop.example.com") == 1);
    CHECK(host_of(table, "x.dev.example.com") == 2);
    CHECK(host_of(table, "9.example.org") == 4);
    Arena arena;
    HostMatch match = table.find("Blog.example.com.", arena);
    CHECK(match.host == 3);
    std::string_view project;
    REQUIRE(match.captures.find("project", project));
    CHECK(project == "blog");

    match = table.find("192.0.2.1", arena);
    CHECK(match.is_found);
    CHECK(match.host == 5);
    CHECK(match.captures.empty());
}

TEST_CASE("host_table: an expression that gives up fails closed", "[server][host_table]") {
    HostTable table;
    table.add_regex(std::move(*Regex::compile("^(a+)+$")), 1);
    table.set_default(2);
    Arena arena;
    const HostMatch match = table.find(std::string(64, 'a') + "!", arena);
    CHECK(match.is_failed);
    CHECK_FALSE(match.is_found);
}

TEST_CASE("host_table: an empty table has no host at all", "[server][host_table]") {
    const HostTable table;
    Arena arena;
    CHECK_FALSE(table.find("example.com", arena).is_found);
}

TEST_CASE("host_table: is built per listener, with its default", "[server][host_table]") {
    using Kind = conf::HostName::Kind;
    conf::Settings settings;
    settings.hosts.push_back(host("a.example", Kind::Exact, {1}));
    settings.hosts.push_back(host("b.example", Kind::Exact, {0, 1}));
    settings.hosts.push_back(host("example", Kind::Wildcard, {0}));
    settings.hosts.push_back(host("^c", Kind::Regex, {0}));
    settings.hosts.push_back(host("(", Kind::Regex, {0}));
    settings.hosts[4].names[0].place.line = 17;
    settings.listeners.resize(3);
    settings.listeners[1].default_host = 1;

    Problems problems;
    const HostTable first = HostTable::build(settings, 0, problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place.line == 17);
    CHECK(problems[0].message.find("regular expression") != std::string::npos);
    CHECK(host_of(first, "b.example") == 1);
    CHECK(host_of(first, "a.example") == 2);
    CHECK(host_of(first, "c") == 3);
    Arena arena;
    CHECK(first.find("unknown", arena).host == 1);  // the first of the listener

    const HostTable second = HostTable::build(settings, 1, problems);
    CHECK(host_of(second, "a.example") == 0);
    CHECK(host_of(second, "x.example") == 1);
    CHECK(second.find("unknown", arena).host == 1);  // the one that was chosen

    CHECK_FALSE(HostTable::build(settings, 2, problems).find("b.example", arena).is_found);
}

TEST_CASE("host_table: where one host answers for every name, none is looked up", "[server][host_table]") {
    using Kind = conf::HostName::Kind;
    conf::Settings settings;
    settings.hosts.push_back(host("a.example", Kind::Exact, {0, 1, 2, 3}));
    settings.hosts.push_back(host("b.example", Kind::Exact, {1}));
    settings.hosts.push_back(host("^c", Kind::Regex, {2}));
    settings.listeners.resize(5);
    Problems problems;
    CHECK(HostTable::build(settings, 0, problems).only_host() == 0U);
    CHECK(HostTable::build(settings, 1, problems).only_host() == std::nullopt);
    CHECK(HostTable::build(settings, 2, problems).only_host() == std::nullopt);
    settings.listeners[3].default_host = 1;  // not the one that has the name
    CHECK(HostTable::build(settings, 3, problems).only_host() == std::nullopt);
    CHECK(HostTable::build(settings, 4, problems).only_host() == std::nullopt);
}

TEST_CASE("host_table: ten thousand hosts take little memory and few probes", "[server][host_table]") {
    constexpr std::size_t kHosts = 10'000;
    HostTable table;
    for (std::size_t i = 0; i < kHosts; ++i) {
        REQUIRE(table.add_exact(nth_name(i), static_cast<std::uint32_t>(i)));
    }
    CHECK(table.size() == kHosts);
    std::size_t probes = 0;
    std::size_t most = 0;
    for (std::size_t i = 0; i < kHosts; ++i) {
        REQUIRE(host_of(table, nth_name(i)) == i);
        const std::size_t these = table.probes(nth_name(i));
        probes += these;
        most = std::max(most, these);
    }
    CHECK(static_cast<double>(probes) / kHosts < 3.0);
    CHECK(most < 120);
    std::size_t absent = 0;
    for (std::size_t i = 0; i < kHosts; ++i) absent += table.probes("absent-" + std::to_string(i));
    CHECK(static_cast<double>(absent) / kHosts < 10.0);
    CHECK(table.memory() < 100 * kHosts);
}

TEST_CASE("host_table: a lookup among a hundred thousand costs little more than among ten",
          "[server][host_table]") {
    const auto fill = [](HostTable& table, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) table.add_exact(nth_name(i), static_cast<std::uint32_t>(i));
    };
    HostTable small, large;
    fill(small, 10);
    fill(large, 100'000);
    const auto cost = [](const HostTable& table) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < 10; ++i) names.push_back(nth_name(i));
        Arena arena;
        std::int64_t best = 1'000'000'000;
        for (int round = 0; round < 20; ++round) {
            std::uint64_t sum = 0;
            const std::int64_t start = monotonic_nanos();
            for (int i = 0; i < 2'000; ++i)
                sum += table.find(names[static_cast<std::size_t>(i) % 10], arena).host;
            best = std::min(best, monotonic_nanos() - start);
            REQUIRE(sum == 2'000 / 10 * 45);
        }
        return best;
    };
    CHECK(cost(large) < 5 * cost(small));
}
