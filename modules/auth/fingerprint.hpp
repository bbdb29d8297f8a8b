// What a secret is known by where it is remembered: nobody gets it back from there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace auth {

using Fingerprint = std::array<std::uint8_t, 32>;

struct FingerprintHash {
    // It looks random already, to everybody who does not know the secret of the process.
    std::size_t operator()(const Fingerprint& print) const {
        std::size_t hash = 0;
        std::memcpy(&hash, print.data(), sizeof hash);
        return hash;
    }
};

// Random bytes that live as long as the process and are nowhere else. [any]
struct ProcessSecret {
    std::array<std::uint8_t, 32> bytes = {};

    static ProcessSecret random();  // throws where the system gives none
};

// HMAC-SHA-256 of the parts, each with its size in front, so that no two lists of them come to the same.
// [any]
Fingerprint fingerprint(const ProcessSecret& secret, std::initializer_list<std::string_view> parts);

// SHA-256. [any]
std::array<char, 32> sha256(std::string_view text);

}  // namespace auth
