// Socket addresses in a small value: 20 bytes for what a connection remembers of its client.
#pragma once

#include "core/base/arena.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace gantry::net {

// An IP address (IPv4 as v6-mapped) and port; or a unix socket, which has neither.
struct PeerAddress {
    std::array<std::uint8_t, 16> ip{};
    std::uint16_t port = 0;
    std::uint8_t family = 0;  // 4, 6, or 0 for a unix socket

    static PeerAddress from(const sockaddr_storage& address);
    static PeerAddress of_peer(int fd);   // getpeername
    static PeerAddress of_local(int fd);  // getsockname

    // "192.0.2.1", "2001:db8::1", "unix:". At most 45 bytes.
    std::string_view ip_text(Arena& arena) const;
    std::string to_string() const;  // "192.0.2.1:80", "[2001:db8::1]:80", "unix:"
};

// A numeric address or a unix path as sockaddr. False: not numeric, or the path is too long.
bool make_sockaddr(std::string_view host, std::uint16_t port, bool is_unix, sockaddr_storage& to,
                   socklen_t& size);

}  // namespace gantry::net
