// `gantry help`: commands, sections and settings of the configuration, and variables, from the same source as
// the manual.
#pragma once

#include "core/cli/command_docs.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gantry::cli {

struct HelpOptions {
    std::vector<std::string> topic;  // "listener.backlog"; "check"; "config" "schema"
    bool all = false;                // all settings
    bool commands = false;           // all commands
    std::string format = "text";     // or json; with `all`, `commands` and modules markdown and man too
    std::string config{};            // whose modules are explained as well; "": those that are installed
};

// Prints what is known about the topic. Returns an ExitCode: kUsage where there is no such topic.
int help_command(const HelpOptions& options, const CLI::App& gantry);

// The names of all settings at all places, for completion.
std::vector<std::string> help_topics();

}  // namespace gantry::cli
