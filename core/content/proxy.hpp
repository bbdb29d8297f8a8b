// The proxy handler: passes a location's requests on to an upstream, and the answers back, streaming both
// ways.
#pragma once

#include "core/server/generation.hpp"
#include "core/server/handler.hpp"
#include "core/upstream/upstream.hpp"

#include <memory>

namespace gantry::content {

// For a location whose handler is conf::Proxy. Null after a problem was added. Without a registry it can
// only be asked what it would do. `registry` outlives all generations.
std::unique_ptr<server::Handler> make_proxy(const server::HandlerScope& scope, upstream::Registry* registry);

}  // namespace gantry::content
