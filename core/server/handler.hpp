// What answers the requests of a location: static files, a proxy, a redirect, a module.
#pragma once

#include "core/server/exchange.hpp"

#include <string>
#include <vector>

namespace gantry::server {

// What a handler would do with an exchange, as far as it can be told without a disk or a network.
struct Outlook {
    std::string_view handler;        // "static"; a literal; "": the handler does not say
    std::vector<std::string> files;  // of static: whole paths, in the order in which they are looked for
    std::string otherwise;           // of static: what is answered when none of them is there: "404"
    std::string upstream;            // of proxy: its name,
    std::string request_line;        // what the peer would read: "GET /x?y HTTP/1.1",
    std::string host;                // and in its Host field
};

// One per location and generation, shared by all workers: immutable after construction. What a handler keeps
// per worker (caches, pools) is in WorkerContext::local().
class Handler {
public:
    virtual ~Handler() = default;
    // [worker] Not called again for the same exchange, but for a resumed ticket's Verdict::Next.
    virtual Verdict handle(Exchange& exchange) const = 0;
    // Instead of handle(), in a rehearsal: fills `outlook`, and answers the exchange where the answer does
    // not depend on anything outside.
    virtual void foresee(Exchange& exchange, Outlook& outlook) const {
        static_cast<void>(exchange);
        static_cast<void>(outlook);
    }
};

}  // namespace gantry::server
