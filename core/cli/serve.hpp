// The server process: loads the configuration, serves it, and does what signals ask for.
#pragma once

#include "core/cli/run.hpp"
#include "core/cli/supervisor.hpp"

namespace gantry::cli {

// Runs until SIGTERM (drains, at most server.drain_timeout) or SIGQUIT (drains without limit); SIGHUP loads
// the configuration anew, SIGUSR1 opens the log files anew. Returns an exit code.
int serve(const RunOptions& options, FromSupervisor supervisor);

}  // namespace gantry::cli
