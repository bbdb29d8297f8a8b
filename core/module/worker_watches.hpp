// What modules watch on one worker: the set, and the loop that waits for it.
#pragma once

#include "core/module/watches.hpp"
#include "core/net/readable_wait.hpp"
#include "core/server/worker_context.hpp"

#include <optional>

namespace gantry::module {

// Ends with its worker. [worker]
class WorkerWatches {
public:
    explicit WorkerWatches(server::WorkerContext& worker);
    ~WorkerWatches();
    WorkerWatches(const WorkerWatches&) = delete;
    WorkerWatches& operator=(const WorkerWatches&) = delete;

    // Those of the worker on this thread; null: elsewhere, or its worker has ended them. [any]
    static Watches* here();

private:
    server::WorkerContext& worker_;
    std::optional<Watches> watches_;
    std::optional<net::ReadableWait> wait_;
};

}  // namespace gantry::module
