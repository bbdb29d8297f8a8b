// Keys of modules in `gantry help`, in the manual and in the schema for editors. The modules that are
// installed, or that a configuration loads, are opened for it, as `gantry check` does.
#pragma once

#include "core/conf/module_schema.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

// Of the modules that `config` loads; those that cannot be opened are left out. "": of those that are
// installed.
std::vector<const conf::ModuleDoc*> module_docs(const std::string& config);

// The same settings of one module or several: in full where there is one, else a line for each.
std::string module_settings_text(const std::vector<conf::ModuleSetting>& settings, const std::string& topic);
std::string module_settings_json(const std::vector<conf::ModuleSetting>& settings);

// All that a module has, for a page of the manual: what it is, its keys, its commands. nullopt: there is none
// of that name among `docs`. `format`: text, json, markdown or man.
std::optional<std::string> module_page(const std::vector<const conf::ModuleDoc*>& docs,
                                       const std::string& name, const std::string& format);

}  // namespace gantry::cli
