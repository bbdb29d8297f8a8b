#include "address.hpp"

#include <arpa/inet.h>
#include <cstring>

namespace limit {
namespace {

constexpr std::size_t kMostText = 45;  // of an IPv6 address that ends in one of IPv4

std::uint64_t word_of(const unsigned char* bytes) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word = word << 8 | bytes[i];
    return word;
}

// The first `bits` of 64; fewer than none and more than all are none and all.
constexpr std::uint64_t mask_of(int bits) {
    return bits <= 0 ? 0 : bits >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> bits);
}

constexpr std::uint64_t kMapped = 0xffff;  // ::ffff:0:0/96

int prefix_of(std::string_view digits) {
    if (digits.empty() || digits.size() > 3 || (digits[0] == '0' && digits.size() > 1)) return -1;
    int bits = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return -1;
        bits = bits * 10 + (c - '0');
    }
    return bits;
}

Address with_ones_behind(const Address& first, int bits) {
    if (!first.is_v6) return {false, 0, first.low | (~mask_of(bits + 32) & 0xffffffff)};
    return {true, first.high | ~mask_of(bits), first.low | ~mask_of(bits - 64)};
}

}  // namespace

Address Address::masked(int v4_bits, int v6_bits) const {
    if (!is_v6) return {false, 0, low & mask_of(v4_bits + 32)};
    return {true, high & mask_of(v6_bits), low & mask_of(v6_bits - 64)};
}

std::string Address::text() const {
    unsigned char bytes[16];
    char text[kMostText + 1];
    for (int i = 0; i < 8; ++i) {
        bytes[i] = static_cast<unsigned char>(high >> (56 - 8 * i));
        bytes[8 + i] = static_cast<unsigned char>(low >> (56 - 8 * i));
    }
    const char* const written = is_v6 ? inet_ntop(AF_INET6, bytes, text, sizeof text)
                                      : inet_ntop(AF_INET, bytes + 12, text, sizeof text);
    return written == nullptr ? "" : written;
}

std::optional<Address> parse_address(std::string_view text) {
    char copy[kMostText + 1];
    if (text.size() > kMostText || text.find('\0') != text.npos) return std::nullopt;
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    unsigned char bytes[16] = {};
    if (text.find(':') == text.npos) {
        if (inet_pton(AF_INET, copy, bytes + 4) != 1) return std::nullopt;
        return Address{false, 0, word_of(bytes)};
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1) return std::nullopt;
    const Address found{true, word_of(bytes), word_of(bytes + 8)};
    if (found.high == 0 && found.low >> 32 == kMapped) return Address{false, 0, found.low & 0xffffffff};
    return found;
}

ParsedRange parse_range(std::string_view text) {
    const auto slash = text.find('/');
    const auto first = parse_address(text.substr(0, slash));
    if (!first) return {{}, "it is no address: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32"};
    if (slash == text.npos) return {Range{*first, *first}, {}};
    int bits = prefix_of(text.substr(slash + 1));
    const bool is_mapped = !first->is_v6 && text.substr(0, slash).find(':') != text.npos;
    if (is_mapped) bits -= 96;
    const int most = first->is_v6 ? 128 : 32;
    if (bits < 0 || bits > most)
        return {{}, "what stands behind the slash is a number of bits, " + std::to_string(most) + " at most"};
    const Address network = first->masked(bits, bits);
    if (network != *first) {
        return {{},
                "it has bits behind its prefix: write " + network.text() + "/" + std::to_string(bits) +
                    ", or the address without a slash"};
    }
    return {Range{network, with_ones_behind(network, bits)}, {}};
}

}  // namespace limit
