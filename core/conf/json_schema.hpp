// The configuration as a JSON Schema (draft-07), for editors: completion, documentation and mistakes while
// one types. It accepts every configuration that loads; what it cannot know (files, references, what excludes
// what) is left to `gantry check`.
#pragma once

#include "core/conf/module_keys.hpp"

#include <string>
#include <vector>

namespace gantry::conf {

// One line for each setting, always the same text. With the keys of these modules.
std::string json_schema(const std::vector<const ModuleDoc*>& modules = {});

}  // namespace gantry::conf
