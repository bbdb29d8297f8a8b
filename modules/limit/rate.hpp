// Rates as they are written, and the arithmetic of GCRA (the generic cell rate algorithm): a key is one point
// in time, "when all that it was allowed is paid for". Nothing here knows a clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace limit {

constexpr std::uint64_t kSecond = 1'000'000'000;  // everything is in nanoseconds
constexpr std::uint64_t kMostPerSecond = 1'000'000;

// So many in that time.
struct Rate {
    std::uint64_t count = 0;
    std::uint64_t period = 0;

    // Between two, rounded up: never more than the rate.
    std::uint64_t interval() const { return (period + count - 1) / count; }
};

// "10/s", "600/m", "1000/h", "5000/d", "20/10s"; `fault` where it is none.
struct ParsedRate {
    std::optional<Rate> rate = {};
    std::string fault = {};
};
ParsedRate parse_rate(std::string_view text);

// Stays at the end of time instead of beginning anew.
constexpr std::uint64_t add(std::uint64_t a, std::uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
constexpr std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

// One rate: a request costs `interval` for each of its units, and what is owed may be `tolerance` at most.
struct Gcra {
    std::uint64_t interval = 0;
    std::uint64_t tolerance = 0;

    // `burst` units beyond the first one may come at once.
    static Gcra of(const Rate& rate, std::uint64_t burst) {
        return {rate.interval(), multiply(rate.interval(), add(burst, 1))};
    }

    struct Step {
        bool passes = false;
        std::uint64_t paid = 0;  // the point in time afterwards; where it does not pass, as it was
        std::uint64_t wait =
            0;  // passes: until its turn, were the rate kept strictly; else: until it would pass
    };
    Step step(std::uint64_t paid, std::uint64_t now, std::uint64_t cost) const {
        const std::uint64_t from = std::max(paid, now);
        const std::uint64_t next = add(from, multiply(interval, cost));
        const std::uint64_t owed = next - now;
        // What is at the end of time cannot be told from what is behind it.
        if (owed > tolerance || next == UINT64_MAX)
            return {false, paid, owed > tolerance ? owed - tolerance : 0};
        return {true, next, from - now};
    }

    // Units that would pass at once.
    std::uint64_t remaining(std::uint64_t paid, std::uint64_t now) const {
        const std::uint64_t owed = paid > now ? paid - now : 0;
        return owed >= tolerance ? 0 : (tolerance - owed) / interval;
    }
};

// Up to the next whole second.
constexpr std::uint64_t whole_seconds(std::uint64_t nanos) {
    return nanos / kSecond + (nanos % kSecond != 0 ? 1 : 0);
}

}  // namespace limit
