// JSON Web Tokens (RFC 7519): what a token says, and whether that is what was wanted.
#pragma once

#include "identity.hpp"
#include "key_set.hpp"
#include "outcome.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace auth {

constexpr std::size_t kMostTokenBytes = 16 * 1024;

struct TokenPolicy {
    std::vector<std::string> issuers = {};    // one of them
    std::vector<std::string> audiences = {};  // one of them
    std::vector<std::string> algorithms = {"RS256", "ES256", "PS256"};
    std::string type = {};     // "": any
    std::int64_t leeway = 30;  // seconds
    bool requires_expiry = true;
    std::string user_claim = "sub";
    std::string groups_claim = "groups";
    std::string scopes_claim = {};                                 // "": "scope", else "scp"
    std::vector<std::pair<std::string, std::string>> fields = {};  // of the request, and claims
};

// Taken apart, and nothing of it believed yet.
struct Token {
    std::string_view text;
    std::string algorithm;
    std::string key_id;
    std::string type;
    boost::json::object claims;
};
// Nothing: it is none, or has a member "crit", of which nothing is understood here.
std::optional<Token> parse_token(std::string_view text);

// Accepted: one of the keys signed it. UnknownSigner: newer keys may help.
Reason check_signature(const Token& token, const KeySet& keys, const TokenPolicy& policy);

// `now`: seconds since 1970.
Reason check_claims(const Token& token, const TokenPolicy& policy, std::int64_t now);

// When it is over, leeway included; INT64_MAX: never.
std::int64_t end_of(const Token& token, const TokenPolicy& policy);

// Of a token that was accepted.
std::shared_ptr<const Identity> identity_of(Token&& token, const TokenPolicy& policy);

}  // namespace auth
