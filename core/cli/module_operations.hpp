// The route of the control API about modules: /v1/modules.
#pragma once

#include "core/control/api.hpp"
#include "core/module/modules.hpp"

namespace gantry::cli {

// `modules` outlives `api`. The route runs on its thread.
void add_module_operations(control::Api& api, const module::Modules& modules);

}  // namespace gantry::cli
