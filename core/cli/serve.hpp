// The server process: loads the configuration, serves it, and does what signals ask for.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/cli/run.hpp"

namespace gantry::cli {

// Runs until SIGTERM (drains, at most server.drain_timeout) or SIGQUIT (drains without limit); SIGHUP loads
// the configuration anew. Returns an exit code.
int serve(const RunOptions& options, UniqueFd to_supervisor);

}  // namespace gantry::cli
