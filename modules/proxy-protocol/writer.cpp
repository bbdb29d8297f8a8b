#include "writer.hpp"

#include "checksum.hpp"

#include <arpa/inet.h>

namespace proxy_protocol {
namespace {

constexpr std::uint8_t kChecksum = 0x03;
constexpr std::size_t kFixed = 16;

// Both of IPv4; else both are written as of IPv6.
bool are_v4(const Endpoint& source, const Endpoint& destination) {
    return source.family == 4 && destination.family == 4;
}
bool are_told(const Endpoint& source, const Endpoint& destination) {
    return source.family != 0 && destination.family != 0;
}

std::string ip_text(const Endpoint& endpoint, bool is_v4) {
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(is_v4 ? AF_INET : AF_INET6, endpoint.ip.data() + (is_v4 ? 12 : 0), text, sizeof text);
    return text;
}

std::string number(std::size_t value) {
    return {static_cast<char>(value >> 8 & 255), static_cast<char>(value & 255)};
}

void append_ip(std::string& to, const Endpoint& endpoint, bool is_v4) {
    for (std::size_t i = is_v4 ? 12 : 0; i < 16; ++i) to += static_cast<char>(endpoint.ip[i]);
}

}  // namespace

std::string version_1(const Endpoint& source, const Endpoint& destination) {
    if (!are_told(source, destination)) return "PROXY UNKNOWN\r\n";
    const bool is_v4 = are_v4(source, destination);
    return (is_v4 ? "PROXY TCP4 " : "PROXY TCP6 ") + ip_text(source, is_v4) + ' ' +
           ip_text(destination, is_v4) + ' ' + std::to_string(source.port) + ' ' +
           std::to_string(destination.port) + "\r\n";
}

Version2::Version2(const Endpoint& source, const Endpoint& destination) {
    const bool is_v4 = are_v4(source, destination);
    const bool is_told = are_told(source, destination);
    bytes_.assign("\r\n\r\n\0\r\nQUIT\n\x21", 13);
    bytes_ += static_cast<char>(!is_told ? 0x00 : is_v4 ? 0x11 : 0x21);
    bytes_ += number(0);
    if (!is_told) return;
    append_ip(bytes_, source, is_v4);
    append_ip(bytes_, destination, is_v4);
    bytes_ += number(source.port) + number(destination.port);
}

std::string Version2::tlv(std::uint8_t type, std::string_view value) {
    return static_cast<char>(type) + number(value.size()) + std::string(value);
}

void Version2::add(std::uint8_t type, std::string_view value) {
    constexpr std::size_t kForChecksum = 7;
    if (bytes_.size() + 3 + value.size() + kForChecksum <= kMostBytes) bytes_ += tlv(type, value);
}

std::string Version2::finish(bool with_checksum) && {
    if (with_checksum) bytes_ += tlv(kChecksum, std::string_view("\0\0\0\0", 4));
    const std::string size = number(bytes_.size() - kFixed);
    bytes_.replace(kFixed - 2, 2, size);
    if (with_checksum) {
        Checksum sum;
        sum.add(bytes_);
        bytes_.replace(bytes_.size() - 4, 4, number(sum.value() >> 16) + number(sum.value() & 0xffff));
    }
    return std::move(bytes_);
}

}  // namespace proxy_protocol
