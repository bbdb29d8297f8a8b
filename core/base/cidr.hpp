// Address ranges ("10.0.0.0/8", "2001:db8::/32", "::1") and fast membership tests for sets of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry {

// An IP address in network order; IPv4 as ::ffff:a.b.c.d.
using IpBytes = std::array<std::uint8_t, 16>;

bool is_ipv4(const IpBytes& address);

// Numeric IPv4 or IPv6, without brackets, port or zone. False: `text` is something else.
bool parse_ip(std::string_view text, IpBytes& address);

// A network. An IPv4 network holds only IPv4 addresses and an IPv6 network only IPv6 ones ("::/0" is every
// IPv6 address, not everything); an IPv4-mapped address counts as IPv4.
struct Cidr {
    IpBytes network{};
    std::uint8_t bits = 128;  // of the 16 bytes: "10.0.0.0/8" is 104

    bool contains(const IpBytes& address) const;
};

// An address, or an address and "/bits". The bits behind the prefix must be zero: "10.0.0.1/8" is refused
// with the network that was perhaps meant. The error is a sentence for a diagnostic.
tl::expected<Cidr, std::string> parse_cidr(std::string_view text);

// Immutable after construction; contains() is a binary search. [any]
class CidrSet {
public:
    CidrSet() = default;
    explicit CidrSet(const std::vector<Cidr>& networks);

    bool empty() const { return v4_.empty() && v6_.empty(); }
    bool contains(const IpBytes& address) const;

private:
    struct V4Range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
    };
    struct V6Range {
        IpBytes first{};
        IpBytes last{};
    };
    std::vector<V4Range> v4_;  // sorted, disjoint
    std::vector<V6Range> v6_;
};

}  // namespace gantry
