// Filters of connections that modules added, as the server runs them.
#pragma once

#include "core/module/scope.hpp"
#include "core/server/conn_filter.hpp"

namespace gantry::module {

// `bound` lives as long as the generation.
server::ConnFilter conn_filter(const BoundConnFilter& bound);

}  // namespace gantry::module
