// A few threads for calls that block: opening a cold file, resolving a name, hashing. Never for anything that
// waits on a client or peer.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gantry::net {

class BlockingPool {
public:
    // `limit`: tasks that may wait; submit() refuses more.
    explicit BlockingPool(unsigned threads, std::size_t limit = 10'000);
    ~BlockingPool() { finish(); }
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // Runs `task` on one of the threads; it goes back to a worker with Worker::post. False: the queue is
    // full or the pool is at its end, nothing will happen. [any]
    bool submit(std::function<void()> task);
    // Runs what is queued, then ends the threads; submit() refuses from now on. For whoever owns what the
    // tasks refer to.
    void finish();

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    std::size_t limit_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace gantry::net
