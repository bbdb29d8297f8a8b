// The configuration as a JSON Schema (draft-07), for editors: completion, documentation and mistakes while
// one types. It accepts every configuration that loads; what it cannot know (files, references, what excludes
// what) is left to `gantry check`.
#pragma once

#include <string>

namespace gantry::conf {

// One line for each setting, always the same text.
std::string json_schema();

}  // namespace gantry::conf
