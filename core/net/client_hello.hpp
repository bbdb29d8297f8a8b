// What a client says first in a TLS handshake, for whoever answers it in the place of the listener.
#pragma once

#include "core/net/address.hpp"
#include "core/net/certificate_store.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::net {

// The name in an extension server_name (RFC 6066 3): its first host name, as it was sent. "": it has none, or
// is damaged, which OpenSSL finds as well.
std::string_view server_name_in(std::string_view extension);

// The list in an extension of ALPN (RFC 7301 3.1): each protocol behind a byte with its size. "": damaged.
std::string_view protocols_in(std::string_view extension);

// The protocol at `index` of such a list; "": it has no more.
std::string_view protocol_at(std::string_view list, std::size_t index);
bool has_protocol(std::string_view list, std::string_view protocol);

struct ClientHello {
    std::string_view listener;     // its name
    std::string_view server_name;  // in lower case, without a dot at its end; "": none, or an address
    std::string_view protocols;    // as of protocols_in()
    PeerAddress client;
    PeerAddress local;

    // The answer. Null, "": as without it.
    CertificateSetPtr certificate;
    std::string protocol;     // one of the client's
    std::uint8_t alert = 49;  // access_denied, where it is refused
};

// Sees each hello of a listener before a certificate is chosen. [worker]
class HelloWatcher {
public:
    enum class Answer : std::uint8_t { GoOn, Refuse };
    virtual Answer on_hello(ClientHello& hello) = 0;

protected:
    ~HelloWatcher() = default;
};

}  // namespace gantry::net
