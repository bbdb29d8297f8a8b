#include "hash.hpp"

#include <bit>
#include <random>
#include <sys/random.h>

namespace limit {
namespace {

struct Sip {
    std::uint64_t a, b, c, d;

    void round() {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }
    void take(std::uint64_t word) {
        d ^= word;
        round();
        round();
        a ^= word;
    }
};

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return word;
}

}  // namespace

Secret Secret::random() {
    Secret secret;
    if (getrandom(&secret, sizeof secret, 0) == static_cast<ssize_t>(sizeof secret)) return secret;
    std::random_device device;
    const auto word = [&] { return std::uint64_t{device()} << 32 | device(); };
    secret.first = word();
    secret.second = word();
    return secret;
}

std::uint64_t hash(const Secret& secret, std::string_view text) {
    Sip sip{secret.first ^ 0x736f6d6570736575, secret.second ^ 0x646f72616e646f6d,
            secret.first ^ 0x6c7967656e657261, secret.second ^ 0x7465646279746573};
    const std::uint64_t size = text.size();
    for (; text.size() >= 8; text.remove_prefix(8)) sip.take(little_endian(text.substr(0, 8)));
    sip.take(little_endian(text) | size << 56);
    sip.c ^= 0xff;
    for (int i = 0; i < 4; ++i) sip.round();
    return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

}  // namespace limit
