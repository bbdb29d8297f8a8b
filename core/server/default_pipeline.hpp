// The order in which things happen to an exchange. The one place that says it.
#pragma once

#include "core/server/phase.hpp"

namespace gantry::server {

struct LocationEntry;

// The hooks and filters of a location whose other members are built. They refer to `location`, which must not
// move afterwards. `added`: those of modules, put where they belong.
Pipeline default_pipeline(const LocationEntry& location, Pipeline added);

}  // namespace gantry::server
