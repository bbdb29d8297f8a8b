// Whose headers are believed: addresses, networks, unix sockets, or everybody.
#pragma once

#include "header.hpp"

#include <string_view>
#include <vector>

namespace proxy_protocol {

class Sources {
public:
    // "192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "unix", "any". False: it is none of these.
    bool add(std::string_view text);

    // `family` of a unix socket: 0.
    bool include(const Endpoint& who) const;

private:
    struct Network {
        std::array<std::uint8_t, 16> ip{};
        unsigned bits = 0;  // of 128
    };
    std::vector<Network> networks_;
    bool unix_ = false;
};

}  // namespace proxy_protocol
