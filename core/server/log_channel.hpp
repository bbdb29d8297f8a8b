// What a worker and the log thread share: chunks of lines that go to and fro through two queues without
// locks. Internal to log_buffer.cpp and log_thread.cpp.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/server/log_writer.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gantry::server {

// Lines of one worker, for all targets; `runs` says which bytes go where.
struct LogChunk {
    static constexpr std::size_t kRuns = 512;

    struct Run {
        LogTarget* target = nullptr;
        std::uint32_t end = 0;  // it begins where the one before ends
        std::uint32_t lines = 0;
    };

    std::size_t size = 0;
    std::size_t run_count = 0;
    std::array<Run, kRuns> runs;
    std::array<char, LogBuffer::kBytes> bytes;
};

// One thread pushes, another one pops. Never more than kCapacity chunks are about, so push() always succeeds.
class LogQueue {
public:
    static constexpr std::uint32_t kCapacity = 16;

    void push(LogChunk* chunk) {
        const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
        slots_[tail % kCapacity] = chunk;
        tail_.store(tail + 1, std::memory_order_release);
    }
    LogChunk* pop() {
        const std::uint32_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return nullptr;
        LogChunk* const chunk = slots_[head % kCapacity];
        head_.store(head + 1, std::memory_order_release);
        return chunk;
    }

private:
    std::array<LogChunk*, kCapacity> slots_{};
    alignas(64) std::atomic<std::uint32_t> head_{0};
    alignas(64) std::atomic<std::uint32_t> tail_{0};
};

class LogChannel {
public:
    explicit LogChannel(int wake_fd) : wake_fd_(wake_fd) {}
    ~LogChannel();
    LogChannel(const LogChannel&) = delete;
    LogChannel& operator=(const LogChannel&) = delete;

    // A chunk to fill; null: all of them wait for the log thread. [worker]
    LogChunk* take();
    // [worker]
    void hand_over(LogChunk* chunk);
    void close();

    // [log thread]
    LogChunk* next() { return full_.pop(); }
    void give_back(LogChunk* chunk);
    bool is_closed() const { return closed_.load(std::memory_order_acquire); }

private:
    void wake();

    LogQueue full_;
    LogQueue free_;
    std::atomic<std::uint32_t> chunks_{0};  // that exist
    std::atomic<bool> closed_{false};
    UniqueFd wake_fd_;  // a duplicate of the log thread's eventfd
};

}  // namespace gantry::server
