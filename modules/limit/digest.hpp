// Names for what is kept by a store: keys may be secrets, which nobody should read there.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace limit {

// FIPS 180-4. [any]
std::array<std::uint8_t, 32> sha256(std::string_view text);

// 32 hexadecimal digits: the first half of the digest.
std::string digest(std::string_view text);

}  // namespace limit
