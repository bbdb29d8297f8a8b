// `gantry completion`: scripts by which shells complete commands, options and the names of settings.
#pragma once

#include "core/cli/command_docs.hpp"

#include <string>

namespace gantry::cli {

std::string bash_completion(const CommandDoc& gantry);
std::string zsh_completion(const CommandDoc& gantry);
std::string fish_completion(const CommandDoc& gantry);

// The script for `shell`: bash, zsh or fish.
std::string completion_script(const std::string& shell, const CommandDoc& gantry);

}  // namespace gantry::cli
