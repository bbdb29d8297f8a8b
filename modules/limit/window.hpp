// Rates that are counted by windows, as stores count them that several machines share: the window before
// counts in part, by how much of it a window that slides would still see.
#pragma once

#include "rate.hpp"

#include <cstdint>

namespace limit {

struct WindowCount {
    std::int64_t count = 0;     // of this window, this request as well
    std::int64_t previous = 0;  // of the one before
    std::uint64_t into = 0;     // nanoseconds since this window began
};

struct WindowVerdict {
    bool passes = false;
    std::uint64_t remaining = 0;
    std::uint64_t reset = 0;  // until this window ends
    std::uint64_t wait = 0;   // does not pass: until it would, if nobody else came
};

// `most` in a window, of which this request is `cost`.
WindowVerdict judge(const WindowCount& window, std::uint64_t length, std::uint64_t most, std::uint64_t cost);

}  // namespace limit
