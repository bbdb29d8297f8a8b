#include "fingerprint.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdexcept>
#include <string>

namespace auth {

ProcessSecret ProcessSecret::random() {
    ProcessSecret secret;
    if (RAND_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) != 1)
        throw std::runtime_error("the system gives no random bytes");
    return secret;
}

Fingerprint fingerprint(const ProcessSecret& secret, std::initializer_list<std::string_view> parts) {
    std::string text;
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size() + 8;
    text.reserve(size);
    for (const std::string_view part : parts) {
        const std::uint64_t length = part.size();
        char prefix[8];
        std::memcpy(prefix, &length, sizeof prefix);
        text.append(prefix, sizeof prefix).append(part);
    }
    Fingerprint print = {};
    unsigned int written = 0;
    const bool is_made = HMAC(EVP_sha256(), secret.bytes.data(), static_cast<int>(secret.bytes.size()),
                              reinterpret_cast<const unsigned char*>(text.data()), text.size(), print.data(),
                              &written) != nullptr;
    OPENSSL_cleanse(text.data(), text.size());
    if (!is_made) throw std::runtime_error("no HMAC could be made");
    return print;
}

std::array<char, 32> sha256(std::string_view text) {
    std::array<char, 32> digest = {};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

}  // namespace auth
