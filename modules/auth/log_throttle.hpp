// At most one line of a kind in each second, and how many were left out in between.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace auth {

class LogThrottle {
public:
    // How many were left out since the last line; nothing: this one is left out as well. [any]
    std::optional<std::uint64_t> allow(std::uint64_t now) {
        std::uint64_t due = due_.load(std::memory_order_relaxed);
        if (now < due || !due_.compare_exchange_strong(due, now + kSecond, std::memory_order_relaxed)) {
            left_out_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
        return left_out_.exchange(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t kSecond = 1'000'000'000;

    std::atomic<std::uint64_t> due_{0};
    std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace auth
