// Keys of modules in words and as JSON Schema: what schema.hpp and json_schema.hpp are for those of the core.
#pragma once

#include "core/conf/module_keys.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

// A key of a module, or one in a table of it.
struct ModuleSetting {
    std::string_view module;
    std::string path;                 // "limit.rate": without the names that users choose
    std::vector<std::string> places;  // "server.limit.rate", "host.location.limit.rate"
    std::string line;                 // as a line has it: "limit.per-client.rate"
    const ModuleKey* key = nullptr;
};

// All of a module: each key, and behind it those of its table. `doc` outlives it.
std::vector<ModuleSetting> settings_of(const ModuleDoc& doc);

// What `name` means: a place, or the end of one; names that users choose may be in it. Of several keys all.
std::vector<ModuleSetting> find_module_settings(const std::vector<const ModuleDoc*>& docs,
                                                std::string_view name);

// `an integer`, `a table with a table or a string for each name`.
std::string type_text(const ModuleKey& key);
// `from 1 to 65535`; empty where any value of the type will do.
std::string range_text(const ModuleKey& key);
// The example as lines that load, given that the module is loaded and the files that they name are there.
std::string example_text(const ModuleSetting& setting);

// `"name": {"description": …, …}` for the keys that may stand in `scope`.
std::vector<std::string> json_properties(const std::vector<const ModuleDoc*>& docs, KeyScope scope);

}  // namespace gantry::conf
