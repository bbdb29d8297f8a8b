#include "core/base/metric_bounds.hpp"

#include "tests/support/catch.hpp"

#include <limits>

using gantry::metrics::Bounds;

TEST_CASE("metric_bounds: a value is in the first bucket whose bound it does not exceed", "[base][metrics]") {
    const auto bounds = Bounds::of({1, 10, 11, 100, 1'000'000});
    REQUIRE(bounds.has_value());
    REQUIRE(bounds->buckets() == 6);
    std::vector<std::uint64_t> values{0, std::numeric_limits<std::uint64_t>::max()};
    for (std::uint64_t power = 1; power != 0; power *= 2) {
        values.insert(values.end(), {power - 1, power, power + 1});
    }
    for (std::uint64_t value = 0; value < 200; ++value) values.push_back(value);
    for (const std::uint64_t value : values) {
        std::size_t expected = 0;
        while (expected < 5 && value > bounds->upper(expected)) ++expected;
        CHECK(bounds->bucket_of(value) == expected);
    }
}

TEST_CASE("metric_bounds: log-linear cuts each doubling into equal parts", "[base][metrics]") {
    const auto bounds = Bounds::log_linear(10, 55, 2);
    REQUIRE(bounds.has_value());
    const std::vector<std::uint64_t> expected{10, 15, 20, 30, 40, 60};
    CHECK(std::vector<std::uint64_t>(bounds->data(), bounds->data() + bounds->buckets() - 1) == expected);
    CHECK(Bounds::log_linear(1, 1'000'000'000'000, 1)->buckets() == 42);
    CHECK(Bounds::log_linear(3, 5, 3)->upper(2) == 5);
}

TEST_CASE("metric_bounds: what makes no buckets is refused", "[base][metrics]") {
    CHECK_FALSE(Bounds::of({}).has_value());
    CHECK_FALSE(Bounds::of({1, 1}).has_value());
    CHECK_FALSE(Bounds::of({2, 1}).has_value());
    CHECK_FALSE(Bounds::of(std::vector<std::uint64_t>(127, 1)).has_value());
    CHECK_FALSE(Bounds::of({std::numeric_limits<std::uint64_t>::max()}).has_value());
    CHECK_FALSE(Bounds::log_linear(0, 10, 1).has_value());
    CHECK_FALSE(Bounds::log_linear(10, 1, 1).has_value());
    CHECK_FALSE(Bounds::log_linear(1, 10, 2).has_value());
    CHECK_FALSE(Bounds::log_linear(1000, 1'000'000'000'000'000, 100).has_value());
    CHECK_FALSE(Bounds::log_linear(1, std::numeric_limits<std::uint64_t>::max(), 1).has_value());
}
