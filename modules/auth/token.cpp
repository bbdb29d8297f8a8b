#include "token.hpp"

#include "bytes.hpp"
#include "json.hpp"

#include <algorithm>
#include <cmath>

namespace auth {
namespace {

using boost::json::object;
using boost::json::value;

bool has(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Seconds since 1970 (NumericDate); nothing: it is no time.
std::optional<std::int64_t> time_of(const value& claim) {
    constexpr double kMost = 1e15;
    double number = 0;
    if (claim.is_int64())
        number = static_cast<double>(claim.get_int64());
    else if (claim.is_uint64())
        number = static_cast<double>(claim.get_uint64());
    else if (claim.is_double())
        number = claim.get_double();
    else
        return std::nullopt;
    if (!std::isfinite(number) || std::abs(number) > kMost) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

struct Time {
    bool is_there = false;
    std::optional<std::int64_t> at = {};

    bool is_bad() const { return is_there && !at; }
};
Time time_in(const object& claims, std::string_view name) {
    const value* claim = claims.if_contains(name);
    return claim == nullptr ? Time{} : Time{true, time_of(*claim)};
}

// "application/at+jwt" is "at+jwt" (RFC 7515 4.1.9).
bool is_same_type(std::string_view a, std::string_view b) {
    constexpr std::string_view kPrefix = "application/";
    const auto bare = [&](std::string_view type) {
        const bool is_long =
            type.size() > kPrefix.size() && is_same_name(type.substr(0, kPrefix.size()), kPrefix);
        return is_long ? type.substr(kPrefix.size()) : type;
    };
    return is_same_name(bare(a), bare(b));
}

std::vector<std::string> words_in(const object& claims, std::string_view path, Words words) {
    const value* claim = path.empty() ? nullptr : find_claim(claims, path);
    return claim == nullptr ? std::vector<std::string>{} : words_of(*claim, words);
}

}  // namespace

std::optional<Token> parse_token(std::string_view text) {
    // RFC 7515 2: without padding, so that one token is one text.
    if (text.size() > kMostTokenBytes || text.find('=') != text.npos) return std::nullopt;
    if (std::count(text.begin(), text.end(), '.') != 2) return std::nullopt;
    std::string_view rest = text;
    const auto head_text = from_base64(next_part(rest, '.'), Alphabet::Url);
    const auto claims_text = from_base64(next_part(rest, '.'), Alphabet::Url);
    if (!head_text || !claims_text || !from_base64(rest, Alphabet::Url)) return std::nullopt;
    const auto head = parse_object(*head_text);
    auto claims = parse_object(*claims_text);
    if (!head || !claims || head->contains("crit") || head->contains("b64")) return std::nullopt;
    Token token;
    token.text = text;
    token.algorithm = text_of(*head, "alg");
    token.key_id = text_of(*head, "kid");
    token.type = text_of(*head, "typ");
    token.claims = std::move(*claims);
    if (token.algorithm.empty()) return std::nullopt;
    return token;
}

Reason check_signature(const Token& token, const KeySet& keys, const TokenPolicy& policy) {
    if (!is_algorithm(token.algorithm) || !has(policy.algorithms, token.algorithm))
        return Reason::BadAlgorithm;
    if (!token.key_id.empty() && !keys.has_id(token.key_id)) return Reason::UnknownSigner;
    // More than a few are tried for nobody.
    constexpr std::size_t kTries = 4;
    auto candidates = keys.candidates(token.key_id, token.algorithm);
    if (candidates.empty()) return Reason::BadAlgorithm;
    candidates.resize(std::min(candidates.size(), kTries));
    const bool is_signed = std::any_of(candidates.begin(), candidates.end(), [&](const SigningKey* key) {
        return key->has_signed(token.text, token.algorithm);
    });
    if (is_signed) return Reason::Accepted;
    return token.key_id.empty() ? Reason::UnknownSigner : Reason::BadSignature;
}

Reason check_claims(const Token& token, const TokenPolicy& policy, std::int64_t now) {
    const object& claims = token.claims;
    if (!policy.type.empty() && !is_same_type(token.type, policy.type)) return Reason::WrongType;
    if (!has(policy.issuers, text_of(claims, "iss"))) return Reason::WrongIssuer;
    const auto audiences = words_in(claims, "aud", Words::Whole);
    const bool is_meant = std::any_of(audiences.begin(), audiences.end(),
                                      [&](const std::string& one) { return has(policy.audiences, one); });
    if (!is_meant) return Reason::WrongAudience;
    const Time ends = time_in(claims, "exp");
    const Time begins = time_in(claims, "nbf");
    const Time issued = time_in(claims, "iat");
    if (ends.is_bad() || begins.is_bad() || issued.is_bad()) return Reason::BadToken;
    if (!ends.is_there && policy.requires_expiry) return Reason::BadToken;
    if (ends.is_there && *ends.at + policy.leeway <= now) return Reason::Expired;
    if (begins.is_there && *begins.at - policy.leeway > now) return Reason::NotYetValid;
    if (issued.is_there && *issued.at - policy.leeway > now) return Reason::NotYetValid;
    return Reason::Accepted;
}

std::int64_t end_of(const Token& token, const TokenPolicy& policy) {
    const Time ends = time_in(token.claims, "exp");
    return ends.at ? *ends.at + policy.leeway : INT64_MAX;
}

std::shared_ptr<const Identity> identity_of(Token&& token, const TokenPolicy& policy) {
    auto identity = std::make_shared<Identity>();
    identity->claims = std::move(token.claims);
    const object& claims = identity->claims;
    if (auto user = words_in(claims, policy.user_claim, Words::Whole); !user.empty())
        identity->user = std::move(user.front());
    identity->groups = words_in(claims, policy.groups_claim, Words::Whole);
    const std::string_view scopes = !policy.scopes_claim.empty() ? std::string_view(policy.scopes_claim)
                                    : claims.contains("scope")   ? "scope"
                                                                 : "scp";
    identity->scopes = words_in(claims, scopes, Words::AtBlanks);
    for (const auto& [field, path] : policy.fields) {
        std::string text;
        for (const std::string& word : words_in(claims, path, Words::Whole))
            text += (text.empty() ? "" : ",") + word;
        if (!text.empty()) identity->fields.emplace_back(field, std::move(text));
    }
    return identity;
}

}  // namespace auth
