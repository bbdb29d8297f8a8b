// Work that other threads leave for a thread that waits with poll().
#pragma once

#include "core/base/task.hpp"
#include "core/base/unique_fd.hpp"

#include <mutex>
#include <vector>

namespace gantry {

class TaskQueue {
public:
    TaskQueue();
    TaskQueue(const TaskQueue&) = delete;
    TaskQueue& operator=(const TaskQueue&) = delete;

    // Readable while tasks wait.
    int fd() const { return wake_.get(); }
    // [any] The order of tasks posted by one thread is kept.
    void post(Task task);
    // Runs what waits, on the calling thread; what those tasks post waits for the next call.
    void run();

private:
    UniqueFd wake_;
    std::mutex mutex_;
    std::vector<Task> tasks_;
};

}  // namespace gantry
