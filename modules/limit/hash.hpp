// The keys of limits as numbers that nobody outside can foresee.
#pragma once

#include <cstdint>
#include <string_view>

namespace limit {

// SipHash-2-4 (Aumasson and Bernstein, 2012). Whoever does not know the secret cannot find two texts with one
// hash, and so neither share the limit of somebody else nor fill one part of the table. [any]
struct Secret {
    std::uint64_t first = 0;
    std::uint64_t second = 0;

    static Secret random();  // once in a process, and another one in the next
};
std::uint64_t hash(const Secret& secret, std::string_view text);

}  // namespace limit
