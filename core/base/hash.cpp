#include "core/base/hash.hpp"

#include "core/base/clock.hpp"

#include <cstring>
#include <sys/random.h>

namespace gantry {

namespace {

__extension__ using Wide = unsigned __int128;

// Odd constants with half of their bits set: digits of pi.
constexpr std::uint64_t kA = 0x243f6a8885a308d3;
constexpr std::uint64_t kB = 0x13198a2e03707345;
constexpr std::uint64_t kC = 0xa4093822299f31d1;

// The product of both, its halves folded into one another: every bit of the operands reaches every bit.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load8(const char* from) {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::uint64_t load4(const char* from) {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t state = fold(seed ^ kA, bytes.size() ^ kB);
    while (left > 16) {
        state = fold(load8(at) ^ kB, load8(at + 8) ^ state);
        at += 16;
        left -= 16;
    }
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (left >= 8) {  // the two loads overlap where there are fewer than 16 bytes
        low = load8(at);
        high = load8(at + left - 8);
    } else if (left >= 4) {
        low = load4(at);
        high = load4(at + left - 4);
    } else if (left > 0) {
        low = static_cast<std::uint8_t>(at[0]);
        high = static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[left / 2])) << 8 |
               static_cast<std::uint8_t>(at[left - 1]);
    }
    state = fold(low ^ kC, high ^ state);
    return fold(state ^ kA, kB);
}

std::uint64_t process_hash_seed() {
    static const std::uint64_t seed = [] {
        std::uint64_t value = 0;
        // Early at boot the pool may be empty; then the clock has to do, rather than waiting.
        if (::getrandom(&value, sizeof value, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof value))
            value = static_cast<std::uint64_t>(monotonic_nanos()) * kC;
        return value;
    }();
    return seed;
}

}  // namespace gantry
