#include "core/server/cookie.hpp"

namespace gantry::server {

bool cookie_value(const http::Headers& headers, std::string_view name, std::string_view& value) {
    bool found = false;
    for_each_cookie(headers, [&](std::string_view its_name, std::string_view its_value) {
        if (its_name != name) return true;
        value = its_value;
        found = true;
        return false;
    });
    return found;
}

}  // namespace gantry::server
