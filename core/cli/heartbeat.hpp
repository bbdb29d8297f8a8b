// The server process's sign of life: tells the supervisor that every worker's loop turns.
#pragma once

#include "core/base/clock.hpp"
#include "core/net/socket_broker.hpp"
#include "core/server/server.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace gantry::cli {

// A thread of its own, because the main thread may be busy with a reload for long while traffic is well.
// It asks all workers, and reports when all of them have answered: one that is stuck, or all that wait for a
// processor which they do not get, make it silent.
class Heartbeat {
public:
    // Both outlive it. `interval` 0: nobody wants to hear, there is no thread.
    Heartbeat(server::Server& server, net::BrokeredSockets& to_supervisor, Millis interval);
    ~Heartbeat();
    Heartbeat(const Heartbeat&) = delete;
    Heartbeat& operator=(const Heartbeat&) = delete;

private:
    void run(Millis interval);

    server::Server& server_;
    net::BrokeredSockets& to_supervisor_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace gantry::cli
