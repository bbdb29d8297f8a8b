#include "checksum.hpp"

#include <array>

namespace proxy_protocol {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, reflected

constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? kPolynomial : 0);
        table[byte] = rest;
    }
    return table;
}();

}  // namespace

void Checksum::add(std::string_view bytes) {
    for (const char byte : bytes)
        state_ = kTable[(state_ ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ (state_ >> 8);
}

}  // namespace proxy_protocol
