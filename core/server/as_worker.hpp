// Lets a thread that is no worker's do what a worker does, where no worker runs: rehearsals.
#pragma once

namespace gantry::server {

class WorkerContext;

// While it lives, WorkerContext::here() is `worker` on this thread.
class AsWorker {
public:
    explicit AsWorker(WorkerContext& worker);
    ~AsWorker();
    AsWorker(const AsWorker&) = delete;
    AsWorker& operator=(const AsWorker&) = delete;

private:
    WorkerContext* before_;
};

}  // namespace gantry::server
