// Looks at hellos that modules added, as the server runs them.
#pragma once

#include "core/module/scope.hpp"
#include "core/server/hello_hook.hpp"

namespace gantry::module {

// `bound` lives as long as the generation.
server::HelloHook hello_hook(const BoundHello& bound);

}  // namespace gantry::module
