// Says within the loop of a worker that a descriptor is readable, again and again as long as it is.
#pragma once

#include <functional>
#include <memory>

namespace gantry::net {

class Worker;

// For descriptors that are no sockets of ours, and few: each time costs two calls of the kernel. [worker]
class ReadableWait {
public:
    // `fd` belongs to somebody else and outlives it. False of is_on(): the kernel has no room for it.
    ReadableWait(Worker& worker, int fd, std::function<void()> on_readable);
    // Nothing is called any more.
    ~ReadableWait();
    ReadableWait(const ReadableWait&) = delete;
    ReadableWait& operator=(const ReadableWait&) = delete;

    bool is_on() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace gantry::net
