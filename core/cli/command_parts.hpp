// What the descriptions of commands have in common. Only for sources that describe commands by CLI11.
#pragma once

#include "core/cli/remote.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {

// What a command of the command line does when it was the one given. What its options are read into lives as
// long as `run`.
struct Command {
    CLI::App* app;
    std::function<int()> run;
};
using Commands = std::vector<Command>;

// Below each --help: the exit codes.
std::string footer();

// One of these words; --help shows them once, as the type's name.
CLI::Validator one_of(std::vector<std::string> words);

// --format text|json
void add_format(CLI::App& command, bool& json);

// -c, --config FILE
void add_config(CLI::App& command, std::string& config, const char* doc = "The configuration file");

// A command that asks a running gantry, with what all of these take.
struct Remote {
    CLI::App* app;
    std::shared_ptr<RemoteOptions> options;
};
Remote add_remote(CLI::App& app, const std::string& name, const std::string& doc);

}  // namespace gantry::cli
