// Makes the core's own handlers from their settings.
#pragma once

#include "core/net/blocking_pool.hpp"
#include "core/net/resolver.hpp"
#include "core/server/generation.hpp"
#include "core/upstream/upstream.hpp"

namespace gantry::content {

// What the handlers of all generations have in common. One per process; outlives generations and workers.
struct Services {
    net::BlockingPool blocking{2};  // of its own: a slow name server holds nothing else up
    net::Resolver resolver{blocking};
    upstream::Registry upstreams{resolver};
};

// What server::Generation::build takes. Without services (gantry check) settings are checked and nothing that
// would reach out is made; the handlers can then only be asked what they would do (foresee).
std::unique_ptr<server::Handler> make_handler(const server::HandlerScope& scope, Services* services);

}  // namespace gantry::content
