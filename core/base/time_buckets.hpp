// The buckets of times that gantry itself counts: the same everywhere, so that the compiler knows them.
#pragma once

#include "core/base/metric_cells.hpp"
#include "core/base/metrics.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace gantry::metrics {

// Nanoseconds; the last one has no end.
inline constexpr std::array<std::uint64_t, 18> kTimeBounds = {
    50'000,        100'000,        250'000,
    500'000,       1'000'000,      2'500'000,
    5'000'000,     10'000'000,     25'000'000,
    50'000'000,    100'000'000,    250'000'000,
    500'000'000,   1'000'000'000,  2'500'000'000,
    5'000'000'000, 10'000'000'000, std::numeric_limits<std::uint64_t>::max(),
};
// By the bits of a time: the first bucket that it may be in.
inline constexpr auto kFirstTimeBucket = [] {
    std::array<std::uint8_t, 65> first{};
    for (std::size_t bits = 0; bits < first.size(); ++bits) {
        const std::uint64_t smallest = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
        while (kTimeBounds[first[bits]] < smallest) ++first[bits];
    }
    return first;
}();

// Times of the same number of bits are in that bucket or in the next: each bound is at least twice the last.
constexpr std::size_t time_bucket(std::uint64_t nanos) {
    const std::size_t bucket = kFirstTimeBucket[static_cast<std::size_t>(std::bit_width(nanos))];
    return bucket + (nanos > kTimeBounds[bucket] ? 1 : 0);
}
static_assert([] {
    for (std::size_t i = 1; i < kTimeBounds.size(); ++i) {
        if (kTimeBounds[i] / 2 < kTimeBounds[i - 1]) return false;
    }
    return true;
}());

// Of one histogram: its buckets, and the sum.
inline constexpr std::uint32_t kTimeCells = kTimeBounds.size() + 1;

// As a worker counts in its own cells; `first`: of the histogram.
inline void count_time(Cell* first, std::uint64_t nanos) {
    Cells::add_to(first[time_bucket(nanos)], 1);
    Cells::add_to(first[kTimeBounds.size()], nanos);
}

// "NAME_seconds".
inline Family time_family(const std::string& name, std::string help) {
    Family family;
    family.name = name + "_seconds";
    family.unit = "seconds";
    family.help = std::move(help);
    family.type = Type::Histogram;
    family.per_unit = 1'000'000'000;
    family.bounds = Bounds::of({kTimeBounds.begin(), kTimeBounds.end() - 1});
    family.hides_zero = true;
    return family;
}

inline Family counter_family(std::string name, std::string help, std::string unit = {}) {
    Family family;
    family.name = std::move(name);
    if (!unit.empty()) family.name += "_" + unit;
    family.unit = std::move(unit);
    family.help = std::move(help);
    return family;
}
inline Family gauge_family(std::string name, std::string help, std::string unit = {}) {
    Family family = counter_family(std::move(name), std::move(help), std::move(unit));
    family.type = Type::Gauge;
    return family;
}
// Whose unit is seconds, and which is counted finer.
inline Family in_nanoseconds(Family family) {
    family.per_unit = 1'000'000'000;
    return family;
}

}  // namespace gantry::metrics
