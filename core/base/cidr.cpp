#include "core/base/cidr.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

namespace gantry {

namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint32_t v4_of(const IpBytes& address) {
    return static_cast<std::uint32_t>(address[12]) << 24 | static_cast<std::uint32_t>(address[13]) << 16 |
           static_cast<std::uint32_t>(address[14]) << 8 | address[15];
}

// The first (`fill` 0) or last (`fill` 0xff) address of the network that `address` lies in.
IpBytes edge_of(IpBytes address, unsigned bits, std::uint8_t fill) {
    for (unsigned i = 0; i < address.size(); ++i) {
        const unsigned begin = i * 8;
        if (begin >= bits) {
            address[i] = fill;
        } else if (begin + 8 > bits) {
            const auto kept = static_cast<std::uint8_t>(0xff << (8 - (bits - begin)));
            address[i] = static_cast<std::uint8_t>((address[i] & kept) | (fill & ~kept));
        }
    }
    return address;
}

std::string text_of(const IpBytes& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (is_ipv4(address))
        ::inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
    else
        ::inet_ntop(AF_INET6, address.data(), text, sizeof text);
    return text;
}

// Sorts, and merges what overlaps.
template <class Range>
void merge(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const Range& range : ranges) {
        if (kept > 0 && range.first <= ranges[kept - 1].last)
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
        else
            ranges[kept++] = range;
    }
    ranges.resize(kept);
    ranges.shrink_to_fit();
}

template <class Range, class Address>
bool is_within(const std::vector<Range>& ranges, const Address& address) {
    auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                  [](const Address& a, const Range& range) { return a < range.first; });
    return after != ranges.begin() && address <= std::prev(after)->last;
}

}  // namespace

bool is_ipv4(const IpBytes& address) {
    return std::memcmp(address.data(), kMappedPrefix, sizeof kMappedPrefix) == 0;
}

bool parse_ip(std::string_view text, IpBytes& address) {
    char copy[INET6_ADDRSTRLEN];
    if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return false;
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    std::uint8_t v4[4];
    if (::inet_pton(AF_INET, copy, v4) == 1) {
        std::memcpy(address.data(), kMappedPrefix, sizeof kMappedPrefix);
        std::memcpy(address.data() + 12, v4, sizeof v4);
        return true;
    }
    return ::inet_pton(AF_INET6, copy, address.data()) == 1;
}

bool Cidr::contains(const IpBytes& address) const {
    if (is_ipv4(address) && bits < 96) return false;  // an IPv6 network wider than ::ffff:0:0/96
    return edge_of(address, bits, 0) == network;
}

tl::expected<Cidr, std::string> parse_cidr(std::string_view text) {
    const auto slash = text.find('/');
    Cidr cidr;
    if (!parse_ip(text.substr(0, slash), cidr.network))
        return tl::unexpected(std::string("not an IP address or network"));
    if (slash == text.npos) return cidr;

    const bool v4 = text.substr(0, slash).find(':') == text.npos;
    const std::string_view digits = text.substr(slash + 1);
    const auto bits = parse_decimal(digits);
    const unsigned most = v4 ? 32 : 128;
    if (!bits || *bits > most || digits.size() > 3)
        return tl::unexpected("the prefix length must be 0 to " + std::to_string(most));
    cidr.bits = static_cast<std::uint8_t>(*bits + (v4 ? 96 : 0));
    const IpBytes network = edge_of(cidr.network, cidr.bits, 0);
    if (network != cidr.network) {
        return tl::unexpected("the address has bits behind its prefix; the network is " + text_of(network) +
                              "/" + std::string(digits));
    }
    return cidr;
}

CidrSet::CidrSet(const std::vector<Cidr>& networks) {
    for (const Cidr& cidr : networks) {
        const IpBytes first = edge_of(cidr.network, cidr.bits, 0);
        const IpBytes last = edge_of(cidr.network, cidr.bits, 0xff);
        if (cidr.bits >= 96 && is_ipv4(first))
            v4_.push_back({v4_of(first), v4_of(last)});
        else
            v6_.push_back({first, last});
    }
    merge(v4_);
    merge(v6_);
}

bool CidrSet::contains(const IpBytes& address) const {
    return is_ipv4(address) ? is_within(v4_, v4_of(address)) : is_within(v6_, address);
}

}  // namespace gantry
