// A module taken through its life beside no traffic at all: what `gantry module check` does.
#pragma once

#include <string>
#include <vector>

namespace gantry::module {

struct Trial {
    struct Key {
        std::string name;
        std::string type;  // "string", "list of strings"
        std::string doc;
    };
    std::string name = {};  // "": it was not opened
    std::string version = {};
    std::vector<Key> keys = {};
    std::vector<std::string> passed = {};  // what was seen to be right, in order
    std::vector<std::string> notes = {};   // that are no faults
    std::string fault = {};                // "": none was found
};

// Loads the library at `path`, and takes it through open, declare, prepare, a reload, retire and close, with
// an empty configuration; whether it keeps its contracts is looked at in every build. All of it happens in a
// process of its own, which may crash, and is ended after ten seconds. For a process with one thread.
Trial try_module(const std::string& path);

}  // namespace gantry::module
