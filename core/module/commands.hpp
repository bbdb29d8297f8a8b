// Commands of the command line that a module brings along: what its manifest says of them
// (gantry/ext/control.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::module {

struct CommandPart {
    enum class Kind : std::uint8_t { Option, Flag, Argument };

    Kind kind = Kind::Option;
    std::string name;   // "older-than"
    std::string value;  // "TIME", "a|b"; empty for a flag
    std::string help;
    std::string standard;  // sent where none is given; empty: nothing is
    bool is_required = false;

    // "older_than": of the call.
    std::string key() const;
};

struct Command {
    std::string name;
    std::string method;  // GET, POST, PUT, PATCH, DELETE
    std::string path;    // of the route
    std::string help;
    std::vector<CommandPart> parts;
};

// Whether lines of this key are about commands.
bool is_command_line(std::string_view key);

// Adds what a line says. What is wrong with it, or empty. `value` is printable.
std::string take_command_line(std::string_view key, std::string_view value, std::vector<Command>& commands);

// Why there can be no such route; empty: there can.
std::string why_no_route(std::string_view method, std::string_view path);

}  // namespace gantry::module
