// The header of the PROXY protocol, versions 1 and 2 (haproxy, doc/proxy-protocol.txt), in the first bytes of
// a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace proxy_protocol {

// IPv4 as ::ffff:192.0.2.1.
struct Endpoint {
    std::array<std::uint8_t, 16> ip{};
    std::uint16_t port = 0;
    std::uint8_t family = 0;  // 4, 6

    bool operator==(const Endpoint&) const = default;
};

struct Header {
    int version = 0;
    bool is_local = false;       // the proxy speaks for itself: a health check
    bool has_addresses = false;  // else it does not know or say whose connection it is
    Endpoint source;
    Endpoint destination;
    std::string_view tlvs;  // of version 2; well formed
    std::size_t size = 0;   // of the whole header
};

enum class Outcome : std::uint8_t {
    Complete,
    Incomplete,  // it may become one
    Absent,      // this is no such header
    Broken,      // it begins like one, and `fault` says what is wrong
};

struct Parsed {
    Outcome outcome = Outcome::Incomplete;
    Header header;
    const char* fault = "";  // a literal
};

// Views go into `bytes`.
Parsed parse(std::string_view bytes);

// The largest that version 2 can say.
inline constexpr std::size_t kMostBytes = 16 + 65'535;

// The next of the type-length-value vectors, which is taken from the front of `rest`. False: there is none,
// or what is there is broken (then `rest` is not empty).
struct Tlv {
    std::uint8_t type = 0;
    std::string_view value;
};
bool next_tlv(std::string_view& rest, Tlv& tlv);

namespace detail {
Parsed parse_v1(std::string_view bytes);
Parsed broken(const char* fault);
// 4 of ::ffff:a.b.c.d, else 6.
std::uint8_t family_of(const std::array<std::uint8_t, 16>& ip);
}  // namespace detail

}  // namespace proxy_protocol
