// The buckets of a histogram: upper bounds, and how the bucket of a value is found in a few instructions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gantry::metrics {

// Immutable. [any]
class Bounds {
public:
    static constexpr std::size_t kMost = 126;

    // Ascending, at least one. Nothing: they are not, or too many.
    static std::optional<Bounds> of(std::vector<std::uint64_t> bounds);
    // From `least` to at least `most`, each doubling cut into `steps` equal parts: 10, 2 -> 10 15 20 30 40
    // 60…
    static std::optional<Bounds> log_linear(std::uint64_t least, std::uint64_t most, std::uint32_t steps);

    // One more than there are bounds: the last one has no end.
    std::size_t buckets() const { return bounds_.size(); }
    // Values up to this one, it included, are in the bucket or in one before. Not of the last bucket.
    std::uint64_t upper(std::size_t bucket) const { return bounds_[bucket]; }
    const std::uint64_t* data() const { return bounds_.data(); }  // of all buckets but the last

    std::size_t bucket_of(std::uint64_t value) const {
        std::size_t bucket = first_[static_cast<std::size_t>(std::bit_width(value))];
        while (value > bounds_[bucket]) ++bucket;
        return bucket;
    }

    bool operator==(const Bounds& other) const { return bounds_ == other.bounds_; }

private:
    explicit Bounds(std::vector<std::uint64_t> bounds);

    std::vector<std::uint64_t> bounds_;     // with the largest number there is at the end
    std::array<std::uint8_t, 65> first_{};  // by the bits of a value: the first bucket that it may be in
};

}  // namespace gantry::metrics
