#include "fingerprint.hpp"

#include <memory>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdexcept>

namespace auth {

ProcessSecret ProcessSecret::random() {
    ProcessSecret secret;
    if (RAND_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) != 1)
        throw std::runtime_error("the system gives no random bytes");
    return secret;
}

namespace {

struct FreeMac {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

MacContext make_mac() {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    MacContext context(mac != nullptr ? EVP_MAC_CTX_new(mac) : nullptr);
    EVP_MAC_free(mac);
    return context;
}

// One for each thread: OpenSSL 3.0 takes locks that all threads share when it looks an algorithm up.
EVP_MAC_CTX* mac_of(const ProcessSecret& secret) {
    thread_local MacContext context = make_mac();
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    thread_local ProcessSecret keyed = {};
    const bool is_ready = context != nullptr &&
                          (keyed.bytes == secret.bytes ? EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1
                                                       : EVP_MAC_init(context.get(), secret.bytes.data(),
                                                                      secret.bytes.size(), parameters) == 1);
    if (!is_ready) throw std::runtime_error("no HMAC can be made");
    keyed = secret;
    return context.get();
}

void add(EVP_MAC_CTX* mac, const void* bytes, std::size_t size) {
    if (EVP_MAC_update(mac, static_cast<const unsigned char*>(bytes), size) != 1)
        throw std::runtime_error("no HMAC can be made");
}

}  // namespace

Fingerprint fingerprint(const ProcessSecret& secret, std::initializer_list<std::string_view> parts) {
    EVP_MAC_CTX* mac = mac_of(secret);
    for (const std::string_view part : parts) {
        const std::uint64_t length = part.size();
        add(mac, &length, sizeof length);
        add(mac, part.data(), part.size());
    }
    Fingerprint print = {};
    std::size_t written = 0;
    if (EVP_MAC_final(mac, print.data(), &written, print.size()) != 1 || written != print.size())
        throw std::runtime_error("no HMAC can be made");
    return print;
}

std::array<char, 32> sha256(std::string_view text) {
    std::array<char, 32> digest = {};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

}  // namespace auth
