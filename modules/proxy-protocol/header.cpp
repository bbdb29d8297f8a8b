#include "header.hpp"

#include "checksum.hpp"

#include <algorithm>

namespace proxy_protocol {
namespace {

constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::string_view kSignatureV2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kFixed = 16;
constexpr std::uint8_t kTypeChecksum = 0x03;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>((byte_at(bytes, at) << 8) | byte_at(bytes, at + 1));
}

bool begins(std::string_view bytes, std::string_view signature) {
    return bytes.substr(0, signature.size()) == signature.substr(0, bytes.size());
}

Endpoint endpoint(std::string_view ip, std::uint16_t port) {
    Endpoint out;
    out.port = port;
    if (ip.size() == 4) out.ip[10] = out.ip[11] = 0xff;
    for (std::size_t i = 0; i < ip.size(); ++i) out.ip[16 - ip.size() + i] = byte_at(ip, i);
    out.family = detail::family_of(out.ip);
    return out;
}

// Section 2.2.3. The checksum is that of the whole header with zeros in its own place.
const char* fault_of_checksum(std::string_view header, std::string_view value) {
    if (value.size() != 4) return "its checksum has not four bytes";
    const auto at = static_cast<std::size_t>(value.data() - header.data());
    Checksum sum;
    sum.add(header.substr(0, at));
    sum.add(std::string_view("\0\0\0\0", 4));
    sum.add(header.substr(at + 4));
    const std::uint32_t told = (static_cast<std::uint32_t>(number_at(value, 0)) << 16) | number_at(value, 2);
    return sum.value() == told ? nullptr : "its checksum is wrong";
}

bool are_tlvs(std::string_view rest) {
    for (Tlv tlv; next_tlv(rest, tlv);) continue;
    return rest.empty();
}

const char* fault_of_tlvs(std::string_view header, std::string_view tlvs) {
    bool has_checksum = false;
    Tlv tlv;
    while (next_tlv(tlvs, tlv)) {
        if (tlv.type != kTypeChecksum) continue;
        if (has_checksum) return "it has two checksums";
        has_checksum = true;
        if (const char* const fault = fault_of_checksum(header, tlv.value)) return fault;
    }
    return tlvs.empty() ? nullptr : "its vectors end beyond it";
}

// Section 2.2.
Parsed parse_v2(std::string_view bytes) {
    if (bytes.size() > 12) {
        const std::uint8_t command = byte_at(bytes, 12);
        if (command >> 4 != 2) return detail::broken("its version is not 2");
        if ((command & 15) > 1) return detail::broken("its command is unknown");
    }
    if (bytes.size() > 13 && (byte_at(bytes, 13) >> 4 > 3 || (byte_at(bytes, 13) & 15) > 2))
        return detail::broken("its family or protocol is unknown");
    if (bytes.size() < kFixed) return {};
    const std::size_t size = kFixed + number_at(bytes, 14);
    if (bytes.size() < size) return {};

    Parsed out;
    out.outcome = Outcome::Complete;
    Header& header = out.header;
    header.version = 2;
    header.size = size;
    header.is_local = (byte_at(bytes, 12) & 15) == 0;
    const std::string_view whole = bytes.substr(0, size);
    std::string_view rest = whole.substr(kFixed);
    const unsigned family = byte_at(bytes, 13) >> 4;
    const bool is_stream = (byte_at(bytes, 13) & 15) == 1;
    constexpr std::size_t kSizes[] = {0, 12, 36, 216};  // of the addresses: none, IPv4, IPv6, unix
    if (rest.size() < kSizes[family]) return detail::broken("its addresses end beyond it");
    if (is_stream && !header.is_local && (family == 1 || family == 2)) {
        const std::size_t ip = family == 1 ? 4 : 16;
        header.has_addresses = true;
        header.source = endpoint(rest.substr(0, ip), number_at(rest, ip * 2));
        header.destination = endpoint(rest.substr(ip, ip), number_at(rest, ip * 2 + 2));
    }
    rest.remove_prefix(kSizes[family]);
    // What stands behind is to be ignored of a proxy that speaks for itself.
    if (header.is_local) return out;
    // Where no family is said, addresses of a kind that is not known here may stand before the vectors.
    if (family == 0 && !are_tlvs(rest)) return out;
    if (const char* const fault = fault_of_tlvs(whole, rest)) return detail::broken(fault);
    header.tlvs = rest;
    return out;
}

}  // namespace

std::uint8_t detail::family_of(const std::array<std::uint8_t, 16>& ip) {
    const bool is_mapped = ip[10] == 0xff && ip[11] == 0xff &&
                           std::all_of(ip.begin(), ip.begin() + 10, [](auto byte) { return byte == 0; });
    return is_mapped ? 4 : 6;
}

Parsed detail::broken(const char* fault) {
    Parsed out;
    out.outcome = Outcome::Broken;
    out.fault = fault;
    return out;
}

Parsed parse(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (begins(bytes, kSignatureV2)) return bytes.size() < kSignatureV2.size() ? Parsed{} : parse_v2(bytes);
    if (begins(bytes, kSignatureV1))
        return bytes.size() < kSignatureV1.size() ? Parsed{} : detail::parse_v1(bytes);
    Parsed absent;
    absent.outcome = Outcome::Absent;
    return absent;
}

bool next_tlv(std::string_view& rest, Tlv& tlv) {
    if (rest.size() < 3) return false;
    const std::size_t size = number_at(rest, 1);
    if (rest.size() - 3 < size) return false;
    tlv = {byte_at(rest, 0), rest.substr(3, size)};
    rest.remove_prefix(3 + size);
    return true;
}

}  // namespace proxy_protocol
