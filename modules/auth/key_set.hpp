// Keys that sign tokens, as a JWK set has them (RFC 7517), and whether one of them signed (RFC 7515).
//
// The only file that knows cjose is key_set.cpp. It is asked for one signature by one key and one algorithm,
// which were both decided before: what a token says of itself chooses among what the key may be used for, and
// nothing else.
#pragma once

#include "text_file.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct _cjose_jwk_int;

namespace auth {

constexpr std::size_t kMostKeySetBytes = 1024 * 1024;
constexpr std::size_t kMostKeys = 200;

// "RS256", "ES384" and so on: those of RSA and of elliptic curves with SHA-2. Never "none" and never HS256.
bool is_algorithm(std::string_view name);

class SigningKey {
public:
    const std::string& id() const { return id_; }
    bool may_sign_by(std::string_view algorithm) const;
    // `token`: the compact form, whose head says `algorithm`. [any]
    bool has_signed(std::string_view token, std::string_view algorithm) const;

private:
    friend class KeySet;
    std::string id_;
    std::vector<std::string> algorithms_;
    std::shared_ptr<_cjose_jwk_int> key_;
};

// Immutable once it is shared. [any]
class KeySet {
public:
    // One member of "keys". "": it is taken; else why it is not.
    std::string add(std::string_view jwk);

    const std::vector<SigningKey>& keys() const { return keys_; }
    // Of each set another one, for as long as the process lives.
    std::uint64_t serial() const { return serial_; }
    bool has_id(std::string_view id) const;
    // Those that may have signed; without an id all of that algorithm.
    std::vector<const SigningKey*> candidates(std::string_view id, std::string_view algorithm) const;

private:
    static std::uint64_t next_serial();

    std::uint64_t serial_ = next_serial();
    std::vector<SigningKey> keys_;
};

// {"keys": [...]}. Keys that are for something else are left out; where none is left that is a fault.
Parsed<KeySet> parse_key_set(std::string_view text);

}  // namespace auth
