// `gantry run`: serves a configuration in the foreground.
#pragma once

#include <string>

namespace gantry::cli {

struct RunOptions {
    std::string config = "/etc/gantry/gantry.toml";
    std::string control;  // the path of the control socket, unless the configuration names one
    std::string user;     // in place of the configuration's [server] user, unless empty
    std::string overlay;  // lines of TOML that take the place of what the files say
    bool quiet = false;   // the error log begins at warnings
    bool json = false;    // what forbids the start goes to stdout as check --format json has it
    bool strict = false;  // warnings of the configuration forbid the start
};

// Returns an ExitCode.
int run_command(const RunOptions& options);

}  // namespace gantry::cli
