#include "core/cli/heartbeat.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <pthread.h>

namespace gantry::cli {

Heartbeat::Heartbeat(server::Server& server, net::BrokeredSockets& to_supervisor, Millis interval)
    : server_(server), to_supervisor_(to_supervisor) {
    if (interval <= 0) return;
    thread_ = std::thread([this, interval] { run(interval); });
    ::pthread_setname_np(thread_.native_handle(), "heartbeat");
}

Heartbeat::~Heartbeat() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Heartbeat::run(Millis interval) {
    // Shared with the workers' queues, which may outlive us.
    const auto waiting = std::make_shared<std::atomic<unsigned>>(0);
    bool asked = false;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        // The next question comes only after the last answer, so that nothing piles up before a stuck worker.
        if (waiting->load(std::memory_order_acquire) == 0) {
            if (asked) to_supervisor_.report({.state = net::Report::State::Alive});
            asked = true;
            waiting->store(server_.workers(), std::memory_order_relaxed);
            server_.post_to_workers([waiting] { waiting->fetch_sub(1, std::memory_order_release); });
        }
        wake_.wait_for(lock, std::chrono::milliseconds(interval), [this] { return stopping_; });
    }
}

}  // namespace gantry::cli
