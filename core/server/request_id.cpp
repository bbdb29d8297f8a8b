#include "core/server/request_id.hpp"

#include "core/base/clock.hpp"
#include "core/base/hash.hpp"

#include <bit>
#include <sys/random.h>
#include <unistd.h>

namespace gantry::server {

namespace {

constexpr char kDigits[] = "0123456789abcdef";

char* write_hex(char* to, std::uint64_t number) {
    for (int shift = 60; shift >= 0; shift -= 4) *to++ = kDigits[number >> shift & 15];
    return to;
}

}  // namespace

RequestIds::RequestIds() {
    if (::getrandom(state_, sizeof state_, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof state_)) return;
    // No entropy yet (early at boot): unique is enough.
    std::uint64_t parts[3] = {static_cast<std::uint64_t>(monotonic_nanos()),
                              static_cast<std::uint64_t>(::getpid()), reinterpret_cast<std::uintptr_t>(this)};
    for (std::uint64_t i = 0; i < 4; ++i)
        state_[i] = hash_bytes({reinterpret_cast<const char*>(parts), sizeof parts}, i) | 1;
}

// xoshiro256++ (Blackman and Vigna, public domain): period 2^256 - 1.
std::uint64_t RequestIds::random() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void RequestIds::next(char* to) {
    std::uint64_t high = random();
    if (high == 0) high = 1;
    write_hex(write_hex(to, high), random());
}

}  // namespace gantry::server
