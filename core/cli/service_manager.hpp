// What systemd is told about this service: the sd_notify protocol, which is one datagram with a line for each
// fact (sd_notify(3), systemd.service(5)). Without a service manager every call does nothing.
#pragma once

#include "core/base/clock.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace gantry::cli {

// Of the main process, which is the only one that systemd listens to. Never blocks for long.
class ServiceManager {
public:
    // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment.
    ServiceManager();

    bool is_there() const { return !socket_.empty(); }
    // How long we may be silent before we are restarted; 0: for ever.
    Millis watchdog() const { return watchdog_; }

    // `status` is one line for people, shown by `systemctl status`.
    void ready(std::string_view status) const;
    // Until ready() comes again.
    void reloading() const;
    void stopping() const;
    void status(std::string_view status) const;
    // Starting or stopping goes on: it may take this much longer, from now.
    void extend(Millis time) const;
    // What the watchdog waits for.
    void alive() const;
    // Another process is the service from now on.
    void main_process(pid_t pid) const;

private:
    void send(std::string_view lines) const;

    std::string socket_;  // as sockaddr_un::sun_path; begins with NUL in the abstract namespace
    Millis watchdog_ = 0;
};

}  // namespace gantry::cli
