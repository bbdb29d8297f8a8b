#include "sources.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace proxy_protocol {
namespace {

bool bit_of(const std::array<std::uint8_t, 16>& ip, unsigned bit) {
    return (ip[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool is_within(const std::array<std::uint8_t, 16>& ip, const std::array<std::uint8_t, 16>& network,
               unsigned bits) {
    if (!std::equal(ip.begin(), ip.begin() + bits / 8, network.begin())) return false;
    const unsigned left = bits % 8;
    return left == 0 || (ip[bits / 8] ^ network[bits / 8]) >> (8 - left) == 0;
}

}  // namespace

bool Sources::add(std::string_view text) {
    if (text == "unix" || text == "any") {
        unix_ = true;
        if (text == "any") networks_.push_back({});
        return true;
    }
    const std::size_t slash = std::min(text.find('/'), text.size());
    char host[INET6_ADDRSTRLEN] = {};
    if (slash == 0 || slash >= sizeof host || text.find('\0') != text.npos) return false;
    std::copy(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash), host);
    Network network;
    unsigned most = 128;
    if (inet_pton(AF_INET, host, network.ip.data() + 12) == 1) {
        network.ip[10] = network.ip[11] = 0xff;
        most = 32;
    } else if (inet_pton(AF_INET6, host, network.ip.data()) != 1) {
        return false;
    }
    unsigned bits = most;
    if (slash < text.size()) {
        const char* const end = text.data() + text.size();
        const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
        if (error != std::errc() || at != end || bits > most) return false;
    }
    network.bits = bits + 128 - most;
    // Bits beyond the prefix: whoever wrote them meant something else.
    for (unsigned bit = network.bits; bit < 128; ++bit) {
        if (bit_of(network.ip, bit)) return false;
    }
    networks_.push_back(network);
    return true;
}

bool Sources::include(const Endpoint& who) const {
    if (who.family == 0) return unix_;
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const Network& network) { return is_within(who.ip, network.ip, network.bits); });
}

}  // namespace proxy_protocol
