// Who is behind the proxies: the X-Forwarded-For and Forwarded (RFC 7239) fields, written and read.
#pragma once

#include "core/base/arena.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// "for=192.0.2.1;proto=https;host=example.com". `client` is the text of an address, without brackets and
// port; what is no address becomes "unknown". Parts that are "" are left out. What needs quotes gets them.
std::string_view forwarded_element(std::string_view client, std::string_view proto, std::string_view host,
                                   Arena& arena);

// `element` behind what the field said before, which may be "". The same for both fields.
std::string_view append_forwarded(std::string_view before, std::string_view element, Arena& arena);

// The address in a node, as both fields write it: with or without port, quotes, brackets. "" when it is none
// ("unknown", "_hidden", rubbish). A view into `node`.
std::string_view node_address(std::string_view node);

enum class ForwardedField : std::uint8_t { XForwardedFor, Forwarded };

// Takes the elements of a list from right to left: the right end is what the nearest proxy wrote, the left
// end is whatever the client liked to claim.
class ForwardedReader {
public:
    ForwardedReader(ForwardedField field, std::string_view list) : field_(field), rest_(list) {}

    // The address of the next element; "" for one that names none. False at the left end.
    bool next(std::string_view& address);

private:
    ForwardedField field_;
    std::string_view rest_;
};

// The right-most address that `is_trusted` does not know, starting with the address that is connected to us.
// Where the chain of trusted ones is broken by an element that is no address, or ends: the last one before.
template <class IsTrusted>
std::string_view client_address(ForwardedField field, std::string_view list, std::string_view connected,
                                IsTrusted is_trusted) {
    ForwardedReader reader(field, list);
    std::string_view address = connected;
    for (std::string_view next; is_trusted(address) && reader.next(next) && !next.empty();) address = next;
    return address;
}

}  // namespace gantry::http
