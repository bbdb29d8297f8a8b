// The commands for those who write modules, or install them: `gantry module …`.
#pragma once

#include "core/cli/command_parts.hpp"

namespace gantry::cli {

void add_module_commands(CLI::App& app, Commands& all);

}  // namespace gantry::cli
