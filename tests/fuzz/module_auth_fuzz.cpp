// What clients send to be known by, and the files that say who is.
#include "modules/auth/authorization.hpp"
#include "modules/auth/bytes.hpp"
#include "modules/auth/key_ring.hpp"
#include "modules/auth/password.hpp"
#include "modules/auth/shown.hpp"
#include "modules/auth/token.hpp"
#include "modules/auth/users.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace auth;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

void read_field(std::string_view text) {
    if (const auto credentials = credentials_of(text, "Basic")) {
        if (const auto given = parse_basic(*credentials)) {
            expect(given->user.find(':') == std::string::npos);
            expect(is_user_name(given->user) || given->user.empty() || given->user.size() > 255);
        }
    }
    if (const auto value = cookie_of(text, "token")) expect(value->find(';') == value->npos);
    for (const Alphabet alphabet : {Alphabet::Standard, Alphabet::Url}) {
        if (const auto bytes = from_base64(text, alphabet)) expect(bytes->size() <= text.size());
    }
    if (const auto bytes = from_hex(text)) expect(bytes->size() * 2 == text.size());
    for (const char c : shown(text)) expect(c > 0x20 && c < 0x7f);
}

void read_users(std::string_view text) {
    const auto parsed = parse_users(text);
    expect(parsed.faults.size() <= kMostFaults);
    expect(&parsed.content.decoy(text.size()) == &parsed.content.decoy(text.size()));
    fault_of_hash(text);
}

void read_keys(std::string_view text) {
    expect(parse_keys(text).faults.size() <= kMostFaults);
    if (const auto time = parse_time(text)) expect(text.size() == 10 || text.size() == 20);
    if (const auto value = parameter_of(text, "key")) expect(value->size() <= text.size());
}

void read_tokens(std::string_view text) {
    const auto keys = parse_key_set(text);
    expect(keys.faults.empty() != keys.content.keys().empty());
    for (const SigningKey& key : keys.content.keys())
        expect(!key.may_sign_by("none") && !key.may_sign_by("HS256"));
    auto token = parse_token(text);
    if (!token) return;
    static const KeySet no_keys;
    const TokenPolicy policy{.issuers = {"joe"}, .audiences = {"api"}, .requires_expiry = false};
    expect(check_signature(*token, no_keys, policy) != Reason::Accepted);
    if (check_claims(*token, policy, 1000) == Reason::Accepted) expect(end_of(*token, policy) > 1000);
    identity_of(std::move(*token), policy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_field(text);
    read_users(text);
    read_keys(text);
    read_tokens(text);
    return 0;
}
