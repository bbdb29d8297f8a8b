// What answers the requests of a location: static files, a proxy, a redirect, a module.
#pragma once

#include "core/server/exchange.hpp"

namespace gantry::server {

// One per location and generation, shared by all workers: immutable after construction. What a handler keeps
// per worker (caches, pools) is in WorkerContext::local().
class Handler {
public:
    virtual ~Handler() = default;
    // [worker] Not called again for the same exchange, but for a resumed ticket's Verdict::Next.
    virtual Verdict handle(Exchange& exchange) const = 0;
};

}  // namespace gantry::server
