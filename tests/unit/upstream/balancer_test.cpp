#include "core/upstream/balancer.hpp"

#include "tests/support/catch.hpp"

#include <string>

using gantry::upstream::RoundRobin;

namespace {

std::string turns(RoundRobin& robin, int count, std::string_view without = {}) {
    std::string order;
    for (int i = 0; i < count; ++i) {
        const std::size_t index = robin.pick(
            [&](std::size_t at) { return without.find(static_cast<char>('a' + at)) == without.npos; });
        order += index == RoundRobin::kNone ? '-' : static_cast<char>('a' + index);
    }
    return order;
}

}  // namespace

TEST_CASE("balancer: equal weights take turns", "[upstream]") {
    RoundRobin robin({1, 1, 1});
    CHECK(turns(robin, 6) == "abcabc");
}

TEST_CASE("balancer: weights are spread evenly in time", "[upstream]") {
    RoundRobin robin({5, 1, 1});
    CHECK(turns(robin, 14) == "aabacaaaabacaa");
}

TEST_CASE("balancer: who may not be used is left out, and nobody is nobody", "[upstream]") {
    RoundRobin robin({1, 1, 1});
    CHECK(turns(robin, 4, "b") == "acac");
    CHECK(turns(robin, 1, "abc") == "-");
    RoundRobin single({1});
    CHECK(turns(single, 2) == "aa");
    CHECK(turns(single, 1, "a") == "-");
}

TEST_CASE("balancer: weight 0 is never chosen", "[upstream]") {
    RoundRobin robin({0, 1});
    CHECK(turns(robin, 3) == "bbb");
    RoundRobin none({0});
    CHECK(turns(none, 1) == "-");
}
