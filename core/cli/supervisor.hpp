// The parent of the server process: keeps the listening sockets and keeps one server process alive.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/cli/handover.hpp"
#include "core/cli/history.hpp"
#include "core/cli/last_process.hpp"
#include "core/cli/privileges.hpp"

#include <functional>
#include <optional>

namespace gantry::cli {

// What a server process gets along.
struct FromSupervisor {
    UniqueFd socket;       // for net::BrokeredSockets
    Millis heartbeat = 0;  // how often to report that it is alive; 0: not
    UniqueFd recent;       // where it remembers requests, so that they outlive it
    LastProcess last;      // the one before, if that died and nobody has said so yet
    // Of the server processes before it; empty: it is the first one, which finds out whose rights it is to
    // have. As its own from now on.
    History* history = nullptr;
    std::optional<Identity> identity;  // of the first one, where it became somebody else
};

// Forks and runs `serve` in the child, whose return value is its exit code. When a child that was ready dies,
// the next one is started, with back-off when that repeats. SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGUSR1 are
// passed on; SIGUSR2 begins an upgrade: this process becomes the program that lies at its path by now, and
// starts a server process of it beside the one that serves, which ends when the new one is ready. Where
// anything of that fails, the program that was before goes on. The service manager, if there is one, is told
// what happens. Returns the exit code of the process: the child's when it ended on request, or when it never
// became ready. `handover`: what this supervisor left before it became this program.
int supervise(const std::function<int(FromSupervisor)>& serve, std::optional<Handover> handover);

}  // namespace gantry::cli
