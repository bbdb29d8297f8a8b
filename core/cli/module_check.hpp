// `gantry module check`: takes a module through its life beside no traffic, and says what is wrong with it.
#pragma once

#include <string>

namespace gantry::cli {

struct ModuleCheckOptions {
    std::string path;
    bool json = false;
    bool quiet = false;  // say nothing where all is well
};

// Returns an ExitCode: kFailure where a fault was found.
int module_check_command(const ModuleCheckOptions& options);

}  // namespace gantry::cli
