// Time as the data plane sees it: a monotonic clock in milliseconds, and the wall clock in seconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace gantry {

// Milliseconds of CLOCK_MONOTONIC. Deadlines and durations; never shown to people.
using Millis = std::int64_t;

inline std::int64_t monotonic_nanos() {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

inline Millis monotonic_millis() {
    return monotonic_nanos() / 1'000'000;
}

inline std::int64_t wall_nanos() {
    timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Since 1970, as of the last tick of the kernel: late by a few milliseconds, and cheaper.
inline std::int64_t coarse_wall_seconds() {
    timespec now;
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec;
}

// Since 1970: what people and other programs are told.
inline std::int64_t wall_seconds() {
    return wall_nanos() / 1'000'000'000;
}

}  // namespace gantry
