// The command line as data: what the manual page, the completions and `gantry help` are made of, so that they
// and --help cannot disagree.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gantry::cli {

struct OptionDoc {
    std::string brief;  // "-c"; may be empty
    std::string full;   // "--config"; of a positional argument "TOPIC"
    std::string value;  // "FILE", "text|json"; empty for a flag
    std::string text;   // what it does
    bool is_positional = false;
    bool is_required = false;
    bool is_repeated = false;

    bool takes_value() const { return !value.empty() && !is_positional; }
    bool is_file() const { return value == "FILE"; }
    // "text|json" in its parts; empty where the value is anything.
    std::vector<std::string> choices() const;
    // "-c, --config FILE"
    std::string heading() const;
};

struct CommandDoc {
    std::string name;  // "gantry config schema"
    std::string text;
    std::vector<OptionDoc> options;  // without --help
    std::vector<CommandDoc> commands;

    // Nothing but what its commands have in common: cannot be given alone.
    bool is_group() const { return options.empty() && !commands.empty(); }
    // The last word of `name`.
    std::string word() const;
    // "gantry check [-c FILE] [--strict]"
    std::string synopsis() const;
};

CommandDoc describe(const CLI::App& app);

}  // namespace gantry::cli
