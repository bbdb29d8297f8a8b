#include "window.hpp"

#include <cmath>

namespace limit {

// In floating point: what it is wrong by is far less than one request, as counts are less than 2^53.
WindowVerdict judge(const WindowCount& window, std::uint64_t length, std::uint64_t most, std::uint64_t cost) {
    const auto size = static_cast<double>(std::max<std::uint64_t>(length, 1));
    const double into = std::min(static_cast<double>(window.into), size);
    const double before = static_cast<double>(std::max<std::int64_t>(window.previous, 0));
    const double count = static_cast<double>(std::max<std::int64_t>(window.count, 0));
    const auto limit = static_cast<double>(most);
    const double seen = before * (1 - into / size);
    const double total = count + std::floor(seen);
    WindowVerdict verdict{.passes = total <= limit, .reset = static_cast<std::uint64_t>(size - into)};
    if (verdict.passes) {
        verdict.remaining = static_cast<std::uint64_t>(limit - total);
        return verdict;
    }
    double wait = size - into;  // until the next window
    if (count <= limit) {
        wait = size * (1 - (limit - count) / before) - into;
    } else if (const double others = count - static_cast<double>(cost);
               others + static_cast<double>(cost) > limit) {
        wait += size * std::max(0.0, 1 - (limit - static_cast<double>(cost)) / std::max(others, 1.0));
    }
    verdict.wait = static_cast<std::uint64_t>(std::clamp(wait, 1.0, 2 * size));
    return verdict;
}

}  // namespace limit
