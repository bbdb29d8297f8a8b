// The routes of the control API (docs/control-api.md), as the server process answers them.
#pragma once

#include "core/control/api.hpp"

namespace gantry::cli {

class Process;

// `process` outlives `api`. The routes run on its thread.
void add_operations(control::Api& api, Process& process);

}  // namespace gantry::cli
