// Which names say that their value is a credential, so that it is never logged.
#pragma once

#include <string_view>

namespace gantry::server {

// Of a query parameter: token, password, secret, api_key, signature, ... wherever they stand in the name, and
// key, pwd, sid and so on as the whole name. Any case, "-" counts as "_", percent-encoded names are
// understood.
bool is_secret_parameter(std::string_view name);

// Of a header field: the same words, and authorization and cookie.
bool is_secret_field(std::string_view name);

}  // namespace gantry::server
