// The routes of the control API about what was logged and how much is: /v1/recent and /v1/log-level.
#pragma once

#include "core/control/api.hpp"

namespace gantry::cli {

class Process;

// `process` outlives `api`. The routes run on its thread.
void add_log_operations(control::Api& api, Process& process);

}  // namespace gantry::cli
