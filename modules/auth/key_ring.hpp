// API keys: what is known of each by the SHA-256 of the key, which nobody can turn back.
#pragma once

#include "identity.hpp"
#include "text_file.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace auth {

constexpr std::size_t kMostKeyBytes = 512;

struct ApiKey {
    std::shared_ptr<const Identity> identity;
    std::int64_t expires = INT64_MAX;  // seconds since 1970
};

// Immutable once it is shared. [any]
class KeyRing {
public:
    using Digest = std::array<char, 32>;

    // "" or what is wrong. `digest`: 64 hexadecimal digits; `expires`: a day or a time in UTC, or "".
    std::string add(Identity identity, std::string_view digest, std::string_view expires);

    // How long that takes depends on the digest, which nobody can choose, and tells nothing of keys.
    const ApiKey* find(std::string_view key) const;
    std::size_t size() const { return keys_.size(); }

private:
    struct Hash {
        std::size_t operator()(const Digest& digest) const {
            std::size_t hash = 0;
            std::memcpy(&hash, digest.data(), sizeof hash);
            return hash;
        }
    };
    std::unordered_map<Digest, ApiKey, Hash> keys_;
};

// "2027-01-31", which is its end, or "2027-01-31T12:00:00Z"; seconds since 1970.
std::optional<std::int64_t> parse_time(std::string_view text);

// "ID:SHA256" in each line, and behind it, with blanks between: groups=a,b scopes=c,d expires=2027-01-31.
Parsed<KeyRing> parse_keys(std::string_view text);

// The value of a parameter in a query, decoded; nothing: it is not there.
std::optional<std::string> parameter_of(std::string_view query, std::string_view name);

}  // namespace auth
