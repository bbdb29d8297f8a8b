// The store of a process: a thread that does what it is asked for, many things in one go.
#pragma once

#include "core/store/backend.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace gantry::store {

struct Place {
    std::string file;
    Durability durability = Durability::Full;
    bool operator==(const Place&) const = default;
};

class Service {
public:
    using Done = std::function<void(Answer&&)>;

    // `limit`: operations that may wait, and `limit_bytes`: of what is in them. Its thread begins with the
    // first one.
    explicit Service(std::size_t limit = 10'000, std::size_t limit_bytes = 64 * 1024 * 1024)
        : limit_(limit), limit_bytes_(limit_bytes) {}
    ~Service() { finish(); }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Where things are kept from now on, what waits as well: nothing is done before the first place is known.
    // [main]
    void set_place(Place place);

    // `done` is called on the thread of the store, with its answer, exactly once; it must not wait for
    // anything. What one thread submits is done in its order. False: too much waits, or finish() was called;
    // `done` is not called. Bounds of sizes are the caller's. [any]
    bool submit(std::string space, Operation operation, Done done);

    // Does what waits, and ends the thread. submit() refuses from now on. [main]
    void finish();

private:
    struct Task {
        Job job;
        Done done;
        std::size_t bytes;
    };
    void run();
    void run_batch(std::deque<Task>& batch, const Place& place);
    void answer(std::deque<Task>& batch, const Place& place);
    bool open(const Place& place);
    void tell(const std::string& error);

    std::size_t limit_;
    std::size_t limit_bytes_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Task> tasks_;
    std::size_t waiting_bytes_ = 0;
    Place place_;
    bool is_over_ = false;
    std::thread thread_;

    // Of its thread.
    std::unique_ptr<Backend> backend_;
    Place opened_;
    Millis try_again_ = 0;  // monotonic
    Millis cleaned_ = 0;    // monotonic
    std::string last_error_;
};

}  // namespace gantry::store
