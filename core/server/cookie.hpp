// Reading cookies from the Cookie fields of a request (RFC 6265 4.2.1; HTTP/2 may split them, RFC
// 9113 8.2.3).
#pragma once

#include "core/http/headers.hpp"

#include <string_view>

namespace gantry::server {

// Calls visit(name, value) for every cookie; quotes around a value stay. visit returns false to stop.
template <class Visit>
void for_each_cookie(const http::Headers& headers, Visit visit) {
    if (!headers.has(http::HeaderId::Cookie)) return;
    for (const http::Field& field : headers) {
        if (field.id != http::HeaderId::Cookie) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const auto end = rest.find(';');
            std::string_view pair = rest.substr(0, end);
            rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
            while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
            while (!pair.empty() && (pair.back() == ' ' || pair.back() == '\t')) pair.remove_suffix(1);
            const auto equals = pair.find('=');
            if (equals == pair.npos) continue;
            if (!visit(pair.substr(0, equals), pair.substr(equals + 1))) return;
        }
    }
}

// The first cookie of that name (case-sensitive); false when there is none.
bool cookie_value(const http::Headers& headers, std::string_view name, std::string_view& value);

}  // namespace gantry::server
