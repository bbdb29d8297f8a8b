// The parent of the server process: keeps the listening sockets and keeps one server process alive.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/cli/last_process.hpp"

#include <functional>

namespace gantry::cli {

// What a server process gets along.
struct FromSupervisor {
    UniqueFd socket;       // for net::BrokeredSockets
    Millis heartbeat = 0;  // how often to report that it is alive; 0: not
    UniqueFd recent;       // where it remembers requests, so that they outlive it
    LastProcess last;      // the one before, if that died and nobody has said so yet
};

// Forks and runs `serve` in the child, whose return value is its exit code. When a child that was ready dies,
// the next one is started, with back-off when that repeats. SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGUSR1 are
// passed on. The service manager, if there is one, is told what happens. Returns the exit code of the
// process: the child's when it ended on request, or when it never became ready.
int supervise(const std::function<int(FromSupervisor)>& serve);

}  // namespace gantry::cli
