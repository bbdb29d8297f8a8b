// What modules cost: how often the workers were in their code, for how long, and who held one up.
#pragma once

#include "core/base/clock.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

namespace gantry::module {

struct Module;

struct Cost {
    std::uint64_t calls = 0;  // of hooks, filters and what was posted or timed, by the workers
    std::uint64_t nanos = 0;  // in them, estimated from every 64th
    std::uint64_t slow = 0;   // calls that held their worker for longer than the limit
    std::uint64_t failures = 0;
};

// Counted by one worker each, without a lock, and summed up by whoever asks.
class Costs {
public:
    // Of one worker: nobody else writes. On a cache line of its own.
    struct alignas(64) Cell {
        std::atomic<std::uint64_t> calls{0};
        std::atomic<std::uint64_t> sampled{0};
        std::atomic<std::uint64_t> nanos{0};  // of those that were sampled
        std::atomic<std::uint64_t> slow{0};
        std::atomic<std::uint64_t> failures{0};
    };

    Costs();
    Costs(const Costs&) = delete;
    Costs& operator=(const Costs&) = delete;

    // That of the calling thread.
    Cell& here();
    // A hook did not do what it has to. [worker]
    void count_failure();
    // [any]
    Cost sum() const;

private:
    std::size_t number_;  // no two have the same
    mutable std::mutex mutex_;
    std::deque<Cell> cells_;
};

// How long a call may hold its worker before the log names it; 0: as long as it likes. [main]
void set_call_limit(Millis limit);

// While it lives, the calling worker is in code of `module`. `what`: for the log, "hook access" or "a timer".
// [worker]
class AtWork {
public:
    AtWork(const Module& module, const char* what, const char* name = "");
    ~AtWork();
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

private:
    const Module& module_;
    const char* what_;
    const char* name_;
    Costs::Cell& cell_;
    bool is_sample_;
    std::int64_t began_;  // nanoseconds, of the coarse clock where it is no sample
};

}  // namespace gantry::module
