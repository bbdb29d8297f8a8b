// Which fields of a message a module may change, and to what.
#pragma once

#include <string_view>

namespace gantry::module {

// RFC 9110 5.1, but for the fields that belong to the connection and the framing (7.6.1, RFC 9112 6).
bool may_change_field(std::string_view name);
// RFC 9110 5.5: no control bytes.
bool may_be_value(std::string_view value);

}  // namespace gantry::module
