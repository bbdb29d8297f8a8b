// Every table of the configuration with every key, for the manual and for messages.
#pragma once

#include "core/conf/reader.hpp"

#include <vector>

namespace gantry::conf {

const std::vector<Scope>& all_scopes();

}  // namespace gantry::conf
