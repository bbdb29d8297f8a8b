// The door to dlopen(): finds the shared library of a module, judges it, and opens it for good.
#pragma once

#include "core/conf/module_keys.hpp"
#include "core/module/commands.hpp"

#include <gantry/entry.h>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::module {

struct Library {
    std::string path;
    std::vector<Command> commands;
    const gantry_module_entry_t* entry = nullptr;
};

// Where modules are looked for: the folders in the variable GANTRY_MODULE_PATH, separated by colons, else
// that of what is installed by hand, below /usr/local, and that of packages.
std::vector<std::string> module_folders();

// "teapot" as "FOLDER/gantry-teapot.so" of the first folder that has it, "/x/y.so" as it is.
tl::expected<std::string, conf::ModuleRefusal> find_library(std::string_view name,
                                                            const std::vector<std::string>& folders);

// What is wrong with an entry of the library at `path`: the message names the path and what differs.
std::optional<conf::ModuleRefusal> judge(const gantry_module_entry_t& entry, const std::string& path);

// Reads what the file says of itself first, so that nothing of a module that does not fit is run. Then runs
// what the library runs when it is loaded, and nothing else of it. It is never closed again: threads and
// thread-local variables of it may outlive all that is known of it here. [main]
tl::expected<Library, conf::ModuleRefusal> open_library(const std::string& path);

}  // namespace gantry::module
