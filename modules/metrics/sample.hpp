// What is counted, as it is read: a metric, and then its samples.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace metrics {

enum class Type { Counter, Gauge, Histogram };

struct Metric {
    Type type = Type::Counter;
    std::string_view name;  // with its unit, without "_total"
    std::string_view help;
    std::string_view unit;
    std::uint64_t per_unit = 1;  // what is shown is divided by this power of ten
    std::span<const std::uint64_t> bounds;
};

struct Label {
    std::string_view name;
    std::string_view value;  // any bytes
};

struct Sample {
    std::span<const Label> labels;
    std::int64_t value = 0;  // of a counter, of a gauge
    std::span<const std::uint64_t>
        buckets;  // of a histogram: each for itself, one more than there are bounds
    std::uint64_t sum = 0;
};

}  // namespace metrics
