// A value that all workers read all the time, and that one thread replaces now and then.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace auth {

// Readers lock one of several mutexes, mostly one that is theirs alone, so that they do not meet; whoever
// replaces the value locks all of them, and nobody reads what it frees. The lock is held as long as `read`
// runs: be short.
template <class T>
class Guarded {
public:
    explicit Guarded(std::unique_ptr<const T> value) : value_(std::move(value)) {}

    // [any]
    template <class Read>
    auto with(Read&& read) const {
        const std::scoped_lock lock(slots_[slot()].mutex);
        return read(*value_);
    }

    // [any], one at a time
    void replace(std::unique_ptr<const T> value) {
        for (Slot& slot : slots_) slot.mutex.lock();
        value_.swap(value);
        for (Slot& slot : slots_) slot.mutex.unlock();
    }

private:
    struct alignas(64) Slot {
        mutable std::mutex mutex;
    };
    static constexpr std::size_t kSlots = 16;

    static std::size_t slot() {
        static std::atomic<std::size_t> next{0};
        thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kSlots;
        return mine;
    }

    std::array<Slot, kSlots> slots_;
    std::unique_ptr<const T> value_;
};

}  // namespace auth
