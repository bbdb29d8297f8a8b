// Watches the server process for the supervisor: whether it answers, and what the service manager is told
// about it.
#pragma once

#include "core/base/clock.hpp"
#include "core/cli/service_manager.hpp"
#include "core/net/socket_broker.hpp"

#include <sys/types.h>

namespace gantry::cli {

// The watchdog has two stages. A server process whose workers stop turning is ended after half of the service
// manager's time, and its successor takes over the sockets, in which clients wait. We answer the service
// manager only when a server process has told that it is alive: if none comes to that within the whole time,
// or if we hang ourselves, the service manager restarts everything. Without a watchdog nothing is ended.
class ServerWatch {
public:
    explicit ServerWatch(const ServiceManager& manager) : manager_(manager) {}

    // How often the server process is to report that it is alive; 0: not.
    Millis heartbeat() const { return manager_.watchdog() / 6; }

    void on_start(pid_t server);
    void on_report(const net::Report& report);
    void on_end();  // of the server process
    void on_reload_signal();
    void on_stop_signal();

    // Milliseconds until check() has something to do; -1: nothing.
    int next_check() const;
    void check();

private:
    void check_answer(Millis now);
    void check_drain(Millis now);

    const ServiceManager& manager_;
    pid_t server_ = -1;
    bool ready_ = false;
    bool stopping_ = false;
    Millis heard_ = 0;        // the last report of this server process
    Millis kill_at_ = 0;      // it was aborted, and is killed then; 0: it was not
    Millis extend_at_ = 0;    // while stopping: when the service manager is asked for more time; 0: never
    Millis drained_by_ = -1;  // after that nobody asks for more; -1: it takes as long as it takes
};

}  // namespace gantry::cli
