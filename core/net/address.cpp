#include "core/net/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/un.h>

namespace gantry::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// "0" to "255", and behind each its length.
constexpr auto kOctets = [] {
    std::array<std::array<char, 4>, 256> octets{};
    for (unsigned i = 0; i < octets.size(); ++i) {
        char* at = octets[i].data();
        if (i >= 100) *at++ = static_cast<char>('0' + i / 100);
        if (i >= 10) *at++ = static_cast<char>('0' + i / 10 % 10);
        *at++ = static_cast<char>('0' + i % 10);
        octets[i][3] = static_cast<char>(at - octets[i].data());
    }
    return octets;
}();

// Writes the address to `to` (INET6_ADDRSTRLEN bytes).
std::string_view write_ip(const PeerAddress& address, char* to) {
    if (address.family == 0) return "unix:";
    if (address.family == 6) {
        ::inet_ntop(AF_INET6, address.ip.data(), to, INET6_ADDRSTRLEN);
        return to;
    }
    // Every logged or proxied request names its client, and inet_ntop() takes snprintf() to do so.
    char* at = to;
    for (std::size_t i = 12; i < 16; ++i) {
        const auto& octet = kOctets[address.ip[i]];
        std::memcpy(at, octet.data(), octet.size());
        at += octet[3];
        *at++ = '.';
    }
    return {to, static_cast<std::size_t>(at - 1 - to)};
}

}  // namespace

PeerAddress PeerAddress::from(const sockaddr_storage& address) {
    PeerAddress peer;
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), peer.ip.begin());
        std::memcpy(peer.ip.data() + 12, &v4.sin_addr, 4);
        peer.port = ntohs(v4.sin_port);
        peer.family = 4;
    } else if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        std::memcpy(peer.ip.data(), &v6.sin6_addr, 16);
        peer.port = ntohs(v6.sin6_port);
        // A dual-stack socket shows IPv4 clients as mapped addresses: they are IPv4 everywhere else.
        const bool mapped = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), peer.ip.begin());
        peer.family = mapped ? 4 : 6;
    }
    return peer;
}

PeerAddress PeerAddress::of_peer(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return from(address);
}

PeerAddress PeerAddress::of_local(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return from(address);
}

std::string_view PeerAddress::ip_text(Arena& arena) const {
    return write_ip(*this, static_cast<char*>(arena.allocate(INET6_ADDRSTRLEN, 1)));
}

std::string PeerAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    std::string shown{write_ip(*this, text)};
    if (family == 0) return shown;
    return (family == 6 ? "[" + shown + "]" : shown) + ":" + std::to_string(port);
}

bool make_sockaddr(std::string_view host, std::uint16_t port, bool is_unix, sockaddr_storage& to,
                   socklen_t& size) {
    to = {};
    if (is_unix) {
        auto& local = reinterpret_cast<sockaddr_un&>(to);
        if (host.empty() || host.size() >= sizeof local.sun_path) return false;
        local.sun_family = AF_UNIX;
        std::memcpy(local.sun_path, host.data(), host.size());
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + host.size() + 1);
        return true;
    }
    char text[INET6_ADDRSTRLEN];
    if (host.size() >= sizeof text) return false;
    std::memcpy(text, host.data(), host.size());
    text[host.size()] = '\0';
    auto& v4 = reinterpret_cast<sockaddr_in&>(to);
    if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        size = sizeof v4;
        return true;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
    if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        size = sizeof v6;
        return true;
    }
    return false;
}

}  // namespace gantry::net
