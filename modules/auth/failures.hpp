// Who fails has to wait before the next attempt: guessing takes time, however many try at once.
//
// One table for all workers, of a size that is settled once. An address that failed n times has a gap between
// its attempts that doubles with each failure. Attempts that are under way count as failures until they are
// known to be none, so that nothing is won by trying many at the same time. A success forgets the failures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace auth {

struct FailurePolicy {
    std::uint64_t delay = 500'000'000;          // after the first failure; nanoseconds
    std::uint64_t most_delay = 30'000'000'000;  // and never more
    std::uint64_t forget = 900'000'000'000;     // without a failure
};

class Failures {
public:
    explicit Failures(std::size_t capacity);

    // One attempt that has a password or key to be judged; it counts as a failure unless succeed() says
    // otherwise.
    class Attempt {
    public:
        Attempt(Failures& table, std::uint64_t client, const FailurePolicy& policy, std::uint64_t now);
        ~Attempt() { end(false); }
        Attempt(const Attempt&) = delete;
        Attempt& operator=(const Attempt&) = delete;

        // Nanoseconds to wait before it is judged; nothing: it would be too long, and it is not to be judged.
        std::optional<std::uint64_t> wait() const { return wait_; }
        // When it might be, where there is no wait().
        std::uint64_t retry_after() const { return retry_after_; }
        void succeed() { end(true); }

    private:
        void end(bool is_success);

        Failures* table_;  // nullptr: it is over
        std::uint64_t client_;
        std::uint64_t now_;
        std::optional<std::uint64_t> wait_;
        std::uint64_t retry_after_ = 0;
    };

    // Failures of a client that count. [any]
    std::uint32_t count(std::uint64_t client) const;

private:
    struct Entry {
        std::uint64_t client = 0;  // 0: nobody
        std::uint64_t next = 0;    // when the next attempt may be judged
        std::uint64_t last = 0;    // when the last one began
        std::uint32_t failures = 0;
        std::uint32_t pending = 0;
    };
    static constexpr std::size_t kWays = 8;  // places that one client may have
    static constexpr std::size_t kLocks = 64;

    std::size_t set_of(std::uint64_t client) const { return client % set_count_ * kWays; }
    std::mutex& mutex_of(std::uint64_t client) const { return (*mutexes_)[client % set_count_ % kLocks]; }
    Entry* find(std::uint64_t client);
    Entry& make(std::uint64_t client);

    std::size_t set_count_;
    std::vector<Entry> entries_;
    std::unique_ptr<std::array<std::mutex, kLocks>> mutexes_;
};

}  // namespace auth
