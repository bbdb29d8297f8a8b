// Makes the core's own handlers from their settings.
#pragma once

#include "core/server/generation.hpp"

namespace gantry::content {

// What server::Generation::build takes.
std::unique_ptr<server::Handler> make_handler(const server::HandlerScope& scope);

}  // namespace gantry::content
