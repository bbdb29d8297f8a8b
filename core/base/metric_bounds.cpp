#include "core/base/metric_bounds.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace gantry::metrics {
namespace {
constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
}

Bounds::Bounds(std::vector<std::uint64_t> bounds) : bounds_(std::move(bounds)) {
    bounds_.push_back(kNoEnd);
    for (std::size_t bits = 0; bits < first_.size(); ++bits) {
        const std::uint64_t smallest = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
        const auto found = std::lower_bound(bounds_.begin(), bounds_.end(), smallest);
        first_[bits] = static_cast<std::uint8_t>(found - bounds_.begin());
    }
}

std::optional<Bounds> Bounds::of(std::vector<std::uint64_t> bounds) {
    const bool is_ascending = std::adjacent_find(bounds.begin(), bounds.end(),
                                                 [](auto a, auto b) { return a >= b; }) == bounds.end();
    if (bounds.empty() || bounds.size() > kMost || !is_ascending || bounds.back() == kNoEnd)
        return std::nullopt;
    return Bounds(std::move(bounds));
}

std::optional<Bounds> Bounds::log_linear(std::uint64_t least, std::uint64_t most, std::uint32_t steps) {
    if (least == 0 || most < least || most > kNoEnd / 4 || steps == 0 || steps > least) return std::nullopt;
    std::vector<std::uint64_t> bounds;
    for (std::uint64_t octave = least;; octave *= 2) {
        for (std::uint32_t step = 0; step < steps; ++step) {
            // Divided first, as `octave * step` may be too large.
            bounds.push_back(octave + octave / steps * step + octave % steps * step / steps);
            if (bounds.back() >= most) return of(std::move(bounds));
            if (bounds.size() > kMost) return std::nullopt;
        }
    }
}

}  // namespace gantry::metrics
