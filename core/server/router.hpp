// Which location answers a request: the decision alone, made from the head and the client's address.
// Exchanges and rehearsals (gantry explain) both ask here.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/cidr.hpp"
#include "core/base/error.hpp"
#include "core/http/message.hpp"
#include "core/server/regex.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace gantry::server {

class Generation;
struct HostEntry;
struct LocationEntry;

// How far a request came. Views and captures live as long as its arena, its head and the generation.
struct Route {
    const HostEntry* host = nullptr;          // null: the head could not be routed
    const LocationEntry* location = nullptr;  // null: none matched
    std::string_view path;                    // in normal form
    std::string_view pattern;                 // text of the exact or prefix pattern; "" for an expression
    // A preflight, for a location that takes the method which it asks for, and not itself: hooks up to
    // preaccess may answer it, and nobody else.
    bool is_preflight = false;
    std::string_view preflight_allow;  // of a preflight: the Allow field where nobody does; may be ""
    Captures host_captures;
    Captures location_captures;
};

// What is answered where no location answers. With 204 it is the answer to OPTIONS *.
struct Unrouted {
    int status = 0;
    Error error;
    std::string_view allow;  // "" or the value of the Allow field
};

// Nothing: `route`, which was empty, is complete. Otherwise it says how far the request came. `listener` is
// an index into settings().listeners. [any]
std::optional<Unrouted> find_route(const Generation& generation, std::size_t listener,
                                   const http::RequestHead& head, const IpBytes& client, Arena& arena,
                                   Route& route);

}  // namespace gantry::server
