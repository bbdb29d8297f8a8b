// `gantry check`: reads a configuration and says everything that is wrong with it, without serving it.
#pragma once

#include <string>

namespace gantry::cli {

struct CheckOptions {
    std::string config = "/etc/gantry/gantry.toml";
    std::string overlay;  // lines of TOML that take the place of what the files say
    bool strict = false;  // warnings count as errors
    bool json = false;    // diagnostics on stdout as JSON, nothing else
    bool quiet = false;   // only the exit code and errors
};

// Diagnostics go to stderr as text, or to stdout as JSON. Returns an ExitCode.
int check_command(const CheckOptions& options);

}  // namespace gantry::cli
