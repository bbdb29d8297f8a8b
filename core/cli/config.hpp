// `gantry config`: the configuration as it is in effect, with where each value comes from.
#pragma once

#include <string>

namespace gantry::cli {

struct ConfigOptions {
    std::string config = "/etc/gantry/gantry.toml";
    std::string overlay;    // of the command line, see LoadOptions
    std::string only;       // a section, a host, a key: nothing but that; "" = all
    bool defaults = false;  // also what no file mentions
    bool json = false;
    bool quiet = false;  // say nothing where it is good
};

// Returns an ExitCode: kUsage where `only` names nothing.
int config_command(const ConfigOptions& options);

}  // namespace gantry::cli
