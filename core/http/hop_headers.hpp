// Fields that belong to one connection and are not passed on (RFC 9110 7.6.1).
#pragma once

#include "core/http/headers.hpp"

#include <string_view>

namespace gantry::http {

// Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Proxy-Authenticate,
// Proxy-Authorization. (Trailer fields themselves are another matter.)
bool is_hop_by_hop(HeaderId id);

// Is `name` an element of the Connection field(s) of `headers`? Then it must not be passed on either.
bool is_named_by_connection(const Headers& headers, std::string_view name);

}  // namespace gantry::http
