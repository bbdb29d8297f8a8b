// Addresses of clients, and ranges of them. IPv4-mapped addresses of IPv6 are those of IPv4.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace limit {

// IPv4 in the lower 32 bits of `low`. Those of IPv4 come before those of IPv6, and neither is within a range
// of the other. A value. [any]
struct Address {
    bool is_v6 = false;
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    auto operator<=>(const Address&) const = default;

    // Only the first bits of it, the others are 0.
    Address masked(int v4_bits, int v6_bits) const;
    // "192.0.2.1", "2001:db8::1".
    std::string text() const;
};

// "192.0.2.1" or "2001:db8::1", without blanks, zones or leading zeros; nothing else.
std::optional<Address> parse_address(std::string_view text);

struct Range {
    Address first;
    Address last;
};

// What "192.0.2.0/24" says, or an address alone; `fault` where it says nothing, one sentence with what to
// write instead.
struct ParsedRange {
    std::optional<Range> range = {};
    std::string fault = {};
};
ParsedRange parse_range(std::string_view text);

}  // namespace limit
