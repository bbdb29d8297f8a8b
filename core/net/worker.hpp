// A worker: one thread with its loop, timer wheel, buffers and clock. Everything that a connection touches
// belongs to one worker (design law 6).
#pragma once

#include "core/base/block.hpp"
#include "core/base/chain.hpp"
#include "core/base/clock.hpp"
#include "core/base/task.hpp"
#include "core/net/wheel.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace gantry::net {

// Something that can wait until the events that came together are all handled: see Worker::postpone().
class Postponed {
public:
    virtual void on_batch_end() = 0;

protected:
    ~Postponed() = default;
};

class BlockingPool;

class Worker {
public:
    // `blocking` does what would hold up the loop, and outlives it; null: then that holds up the loop.
    explicit Worker(unsigned index, BlockingPool* blocking = nullptr);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Runs the loop on the calling thread until stop(). Call it once.
    void run();
    void stop();  // [any]

    // Runs `task` on this worker's thread, soon. [any] The order of tasks posted by one thread is kept. What
    // fits into a Task costs no memory.
    void post(Task task);

    // Calls task.on_batch_end() once, when the events that are known to the loop by now are handled. Writes
    // of many connections done in one go find the kernel's code and the receivers awake. False: too few
    // events come together for it to pay, or enough wait already; the caller does now what it has to do.
    // [worker]
    bool postpone(Postponed& task);
    // The task goes away before its call. [worker]
    void forget(Postponed& task);

    // The worker whose loop runs on this thread; null elsewhere.
    static Worker* current();

    unsigned index() const { return index_; }
    Wheel& wheel() { return wheel_; }
    BlockPool& blocks() { return blocks_; }
    BlockingPool* blocking() { return blocking_; }

    // The time at which the current event was taken up: costs nothing.
    Millis now() const { return now_; }
    std::int64_t now_nanos() const { return now_nanos_; }
    std::int64_t wall_seconds() const { return wall_seconds_; }
    // "Sun, 06 Nov 1994 08:49:37 GMT", of wall_seconds().
    std::string_view http_date() const { return {date_, sizeof date_}; }

    // A chain from this worker's pool, and back to it (empty).
    Chain* take_chain();
    void give_chain(Chain* chain);

    // Connections of this worker, read by the others when they balance. [any] to read
    std::atomic<std::uint32_t> connections{0};

    // For net/ only: the clock is read here, once per event.
    void enter_event();
    // For net/ only: asio::io_context*, asio::detail::reactor*, asio::detail::scheduler*.
    void* context();
    void* reactor() const { return reactor_; }
    void* scheduler() const { return scheduler_; }

private:
    struct Loop;
    void arm_tick();
    void fire_deadlines();
    void end_batch();
    void run_posted();

    unsigned index_;
    BlockingPool* blocking_;
    std::int64_t now_nanos_;
    Millis now_;
    Millis next_second_ = 0;  // when wall_seconds_ has to be looked up again
    std::int64_t wall_seconds_ = 0;
    char date_[29];
    BlockPool blocks_;  // before everything that may hold a block
    std::vector<std::unique_ptr<Chain>> free_chains_;
    std::vector<Postponed*> postponed_;
    std::vector<Postponed*> batch_;  // those whose turn it is; null: forgotten
    std::uint32_t refusals_ = 0;     // of postpone(), since it last agreed
    bool is_busy_ = false;           // the last batch was worth it
    std::mutex posted_mutex_;
    std::vector<Task> posted_;   // where it is not empty, the loop knows
    std::vector<Task> running_;  // whose turn it is
    Wheel wheel_;
    std::unique_ptr<Loop> loop_;
    void* reactor_ = nullptr;
    void* scheduler_ = nullptr;
};

}  // namespace gantry::net
