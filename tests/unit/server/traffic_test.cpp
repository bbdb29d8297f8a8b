#include "core/server/traffic.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

using namespace gantry::server;

TEST_CASE("traffic: a host keeps its number", "[server][traffic]") {
    HostNumbers numbers;
    CHECK(numbers.number_of("a") == 1);
    CHECK(numbers.number_of("b") == 2);
    CHECK(numbers.number_of("a") == 1);
    CHECK(numbers.names() == std::vector<std::string>{"", "a", "b"});
}

TEST_CASE("traffic: more hosts than there are numbers share the number of none", "[server][traffic]") {
    HostNumbers numbers;
    for (std::uint32_t i = 1; i < HostNumbers::kMost; ++i) numbers.number_of(fmt::format("h{}", i));
    CHECK(numbers.number_of("one too many") == 0);
    CHECK(numbers.number_of("h77") == 77);
}

TEST_CASE("traffic: answers are counted by class and added up", "[server][traffic]") {
    auto& numbers = HostNumbers::instance();
    std::uint32_t last = 0;
    for (int i = 0; i < 200; ++i) last = numbers.number_of(fmt::format("host-{}", i));
    TrafficCounters one;
    TrafficCounters two;
    CHECK(one.read(last).requests() == 0);  // no room yet
    one.make_room();
    two.make_room();
    one.count(last, 200, 10);
    one.count(last, 503, 1);
    one.count(last, 0, 0);
    one.count(0, 404, 5);
    one.count(last, 999, 0);  // of a peer: counted as none
    two.count(last, 204, 7);
    Traffic sum = one.read(last);
    sum += two.read(last);
    CHECK(sum.answers == std::array<std::uint64_t, 6>{2, 0, 2, 0, 0, 1});
    CHECK(sum.requests() == 5);
    CHECK(sum.bytes_sent == 18);
    CHECK(one.read(0).answers[4] == 1);
    CHECK(one.read(last - 1).requests() == 0);
}
