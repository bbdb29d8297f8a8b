// `gantry module info`: what a shared library says of itself, without running any of it.
#pragma once

#include <string>

namespace gantry::cli {

struct ModuleInfoOptions {
    std::string path;
    bool json = false;
    bool quiet = false;  // say nothing where it would be loaded
};

// Returns an ExitCode: kFailure where this gantry would not load it.
int module_info_command(const ModuleInfoOptions& options);

}  // namespace gantry::cli
