#include "core/module/worker_watches.hpp"

namespace gantry::module {
namespace {

// While they end as well: what is told of it may stop others.
thread_local Watches* current = nullptr;
// What else of the worker ends behind them may still ask.
thread_local const server::WorkerContext* ended = nullptr;

}  // namespace

WorkerWatches::WorkerWatches(server::WorkerContext& worker) : worker_(worker) {
    watches_.emplace(worker.net().index(), [this](int set) {
        wait_.emplace(worker_.net(), set, [this] { watches_->check(); });
        if (wait_->is_on()) return true;
        wait_.reset();
        return false;
    });
    current = &*watches_;
}

WorkerWatches::~WorkerWatches() {
    const bool is_own = current == &*watches_;  // or of another thread, which has ended
    wait_.reset();
    watches_.reset();
    if (!is_own) return;
    current = nullptr;
    ended = &worker_;
}

Watches* WorkerWatches::here() {
    server::WorkerContext* const worker = server::WorkerContext::here();
    if (worker == nullptr || worker == ended) return nullptr;
    if (current == nullptr) worker->local<WorkerWatches>();
    return current;
}

}  // namespace gantry::module
