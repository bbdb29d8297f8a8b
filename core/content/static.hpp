// Serves files below a root.
#pragma once

#include "core/server/generation.hpp"

namespace gantry::content {

// Null after a problem was added to scope.problems.
std::unique_ptr<server::Handler> make_static(const conf::Static& settings, const server::HandlerScope& scope);

}  // namespace gantry::content
