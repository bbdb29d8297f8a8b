// Addresses as tests write them.
#pragma once

#include "gantry/base.h"

#include <arpa/inet.h>
#include <cstdint>
#include <string>

namespace gantry::fake {

// "192.0.2.1:80", "[2001:db8::1]:80"; anything else is a unix socket.
inline gantry_address_t address(const std::string& text) {
    gantry_address_t out{};
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return out;
    std::string host = text.substr(0, colon);
    const bool is_v6 = host.size() > 2 && host.front() == '[';
    if (is_v6) host = host.substr(1, host.size() - 2);
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host.c_str(), is_v6 ? out.ip : out.ip + 12) != 1) return out;
    out.family = is_v6 ? 6 : 4;
    if (!is_v6) out.ip[10] = out.ip[11] = 0xff;
    out.port = static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
    return out;
}
inline std::string text_of(const gantry_address_t& address) {
    if (address.family == 0) return "unix:";
    char text[INET6_ADDRSTRLEN] = {};
    const bool is_v6 = address.family == 6;
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, is_v6 ? address.ip : address.ip + 12, text, sizeof(text));
    return (is_v6 ? "[" + std::string{text} + "]" : std::string{text}) + ":" + std::to_string(address.port);
}

}  // namespace gantry::fake
