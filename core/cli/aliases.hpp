// The options of nginx in the place of commands: gantry -t, -T, -s reload, -c FILE, -p FOLDER, -g TOML.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace gantry::cli {

// Adds the options to the program itself. What is returned runs what they ask for, and is to be called where
// no command was given; negative: none of them was given.
std::function<int()> add_aliases(CLI::App& app);

}  // namespace gantry::cli
