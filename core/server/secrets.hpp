// Which names say that their value is a credential, so that it is never logged.
#pragma once

#include "core/base/arena.hpp"

#include <string_view>

namespace gantry::server {

// Of a query parameter: token, password, secret, api_key, signature, ... wherever they stand in the name, and
// key, pwd, sid and so on as the whole name. Any case, "-" counts as "_", percent-encoded names are
// understood.
bool is_secret_parameter(std::string_view name);

// Is `parameter`, in any case and perhaps percent-encoded, the one called `name` (lower case)?
bool is_same_parameter(std::string_view parameter, std::string_view name);

// Of a header field: the same words, and authorization and cookie.
bool is_secret_field(std::string_view name);

// A request target or URL as it may be logged: the values of secret parameters are "***". `uri` itself when
// it has none, else a string in the arena.
std::string_view masked_uri(std::string_view uri, Arena& arena);

}  // namespace gantry::server
