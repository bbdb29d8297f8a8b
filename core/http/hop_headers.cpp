#include "core/http/hop_headers.hpp"

#include "core/base/text.hpp"

namespace gantry::http {

bool is_hop_by_hop(HeaderId id) {
    switch (id) {
        case HeaderId::Connection:
        case HeaderId::KeepAlive:
        case HeaderId::ProxyConnection:
        case HeaderId::Te:
        case HeaderId::Trailer:
        case HeaderId::TransferEncoding:
        case HeaderId::Upgrade:
        case HeaderId::ProxyAuthenticate:
        case HeaderId::ProxyAuthorization:
            return true;
        default:
            return false;
    }
}

bool is_named_by_connection(const Headers& headers, std::string_view name) {
    const Field* field = headers.find(HeaderId::Connection);
    if (field == nullptr) return false;
    bool found = false;
    for (; field != headers.end() && !found; ++field) {
        if (field->id != HeaderId::Connection) continue;
        for_each_element(field->value, [&](std::string_view option) {
            found = equals_ignore_case(option, name);
            return !found;
        });
    }
    return found;
}

}  // namespace gantry::http
