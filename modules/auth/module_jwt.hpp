// The scheme jwt: tokens that somebody else signed (RFC 7519), as bearers have them (RFC 6750).
#pragma once

#include "authorization.hpp"
#include "memo.hpp"
#include "module_jwks.hpp"
#include "module_scheme.hpp"
#include "shown.hpp"
#include "token.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

class Jwt : public Scheme {
public:
    static std::unique_ptr<Jwt> create(Scope& scope, Auth& auth, Value table);

    explicit Jwt(Auth& auth) : auth_(auth), known_(auth.remembered->proof_capacity) {}

    const char* name() const override { return "jwt"; }
    bool takes_authorization() const override { return header_.empty() && cookie_.empty(); }
    void challenge(const gantry::Fields& response, const Refusal& refusal) const override {
        std::string text = challenge_;
        if (refusal.reason == Reason::Requirement) {
            if (refusal.require == nullptr || refusal.require->scopes.empty()) return;
            std::string scopes;
            for (const std::string& scope : refusal.require->scopes)
                scopes += (scopes.empty() ? "" : " ") + scope;
            text += ", error=\"insufficient_scope\", scope=" + in_quotes(scopes);
        } else if (refusal.reason != Reason::Missing && refusal.scheme == this) {
            text += ", error=\"invalid_token\", error_description=" + in_quotes(word_of(refusal.reason));
        }
        response.add("WWW-Authenticate", text);
    }

    void take_out(const Exchange& exchange) const override {
        if (passes_on_) return;
        if (credentials_of(exchange.fields()["Authorization"], "Bearer"))
            exchange.fields().remove("Authorization");
        if (!header_.empty()) exchange.fields().remove(header_);
        if (cookie_.empty() || !exchange.fields().has("Cookie")) return;
        std::string left;
        exchange.fields().each([&](std::string_view field, std::string_view value) {
            if (is_same_name(field, "Cookie"))
                left += (left.empty() ? "" : "; ") + without_cookie(value, cookie_);
        });
        exchange.fields().remove("Cookie");
        if (!left.empty()) exchange.fields().set("Cookie", left);
    }

    Task<Outcome> judge(Exchange exchange) const override {
        const std::optional<std::string_view> text = find(exchange);
        if (!text) co_return Outcome{};
        if (places_of_token(exchange) > 1)
            co_return Outcome{.reason = Reason::Malformed, .why = "more than one token"};
        if (!is_bearer_token(*text, kMostTokenBytes)) co_return Outcome{.reason = Reason::Malformed};
        const auto keys = current();
        const Fingerprint print = fingerprint(auth_.secret, {"token", *text});
        if (const auto known = known_.find(print, auth_.now());
            known && keys && known->keys == keys->serial())
            co_return Outcome{.reason = Reason::Accepted, .identity = known->identity};
        std::optional<Token> token = parse_token(*text);
        if (!token) co_return Outcome{.reason = Reason::Malformed};
        Reason reason = keys == nullptr ? Reason::UnknownSigner : check_signature(*token, *keys, policy_);
        auto newer = keys;
        if (reason == Reason::UnknownSigner && remote_ != nullptr) {
            if (const auto seat = remote_->ask(auth_.now()))
                co_await exchange.until(kPatience, [&seat](gantry::Waker waker) { seat->wait(waker); });
            newer = current();
            if (newer == nullptr)
                co_return Outcome{.reason = Reason::Unavailable, .why = "no keys were fetched yet"};
            if (newer != keys) reason = check_signature(*token, *newer, policy_);
        }
        if (reason == Reason::Accepted) reason = check_claims(*token, policy_, seconds_now());
        // Of a token that nobody signed nothing is worth a line.
        if (reason != Reason::Accepted)
            co_return Outcome{.reason = reason, .who = claimed_user(*token, reason)};
        const std::int64_t left = end_of(*token, policy_) - seconds_now();
        auto identity = identity_of(std::move(*token), policy_);
        keep(print, identity, newer->serial(), left);
        co_return Outcome{.reason = Reason::Accepted, .identity = std::move(identity)};
    }

private:
    static constexpr std::chrono::seconds kPatience{5};

    struct Known {
        std::shared_ptr<const Identity> identity;
        std::uint64_t keys;  // serial() of those that it was judged by
    };

    static std::int64_t seconds_now() {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::seconds>(now).count();
    }

    std::shared_ptr<const KeySet> current() const {
        if (remote_ != nullptr) return remote_->keys();
        return file_->content();
    }

    std::optional<std::string_view> find(const Exchange& exchange) const {
        if (const auto value = credentials_of(exchange.fields()["Authorization"], "Bearer")) return value;
        if (!header_.empty()) {
            if (const auto value = exchange.fields().find(header_)) return value;
        }
        std::optional<std::string_view> found;
        if (!cookie_.empty()) {
            exchange.fields().each([&](std::string_view field, std::string_view value) {
                if (!found && is_same_name(field, "Cookie")) found = cookie_of(value, cookie_);
            });
        }
        return found && !found->empty() ? found : std::nullopt;
    }

    // RFC 6750 2: one place. Else the upstream might look at the one that nobody has judged.
    int places_of_token(const Exchange& exchange) const {
        if (takes_authorization()) return 1;
        int count = 0;
        exchange.fields().each([&](std::string_view field, std::string_view value) {
            if (is_same_name(field, "Authorization") && credentials_of(value, "Bearer")) ++count;
            if (!header_.empty() && is_same_name(field, header_)) ++count;
            if (!cookie_.empty() && is_same_name(field, "Cookie")) count += cookie_count(value, cookie_);
        });
        return count;
    }

    std::string claimed_user(const Token& token, Reason reason) const {
        const bool is_signed = reason != Reason::BadSignature && reason != Reason::UnknownSigner &&
                               reason != Reason::BadAlgorithm;
        const boost::json::value* claim = is_signed ? find_claim(token.claims, policy_.user_claim) : nullptr;
        const auto words = claim != nullptr ? words_of(*claim) : std::vector<std::string>{};
        return words.empty() ? "" : shown(words.front());
    }

    // Until it is over, and not longer than anything is remembered. With other keys it is judged anew.
    void keep(const Fingerprint& print, const std::shared_ptr<const Identity>& identity, std::uint64_t keys,
              std::int64_t left) const {
        constexpr std::int64_t kDay = 86400;
        const auto rest = static_cast<std::uint64_t>(std::clamp<std::int64_t>(left, 0, kDay)) * 1'000'000'000;
        const std::uint64_t time = std::min(rest, auth_.memory_ttl);
        if (time > 0) known_.put(print, {identity, keys}, auth_.now() + time);
    }

    void read_keys(Scope& scope, Value table);
    void read_policy(Scope& scope, Value table);

    Auth& auth_;
    TokenPolicy policy_;
    std::shared_ptr<WatchedFile<KeySet>> file_;  // one of these two
    std::shared_ptr<RemoteKeys> remote_;
    std::string header_;
    std::string cookie_;
    std::string challenge_;
    bool passes_on_ = true;
    mutable Memo<Known> known_;
};

inline void Jwt::read_keys(Scope& scope, Value table) {
    const Value file = table.member("jwks_file");
    const Value url = table.member("jwks_url");
    if (static_cast<bool>(file) == static_cast<bool>(url)) {
        scope.error("jwt needs to know whose tokens it takes", "write jwks_url or jwks_file, one of the two",
                    table);
        return;
    }
    if (file) {
        file_ = auth_.key_set_files.get(scope, file, "it is what the provider publishes as its JWKS");
        return;
    }
    const std::string_view text = url.text();
    const bool is_local = text.starts_with("http://127.") || text.starts_with("http://localhost") ||
                          text.starts_with("http://[::1]");
    if (text.starts_with("http://") && !is_local)
        scope.warning("keys that come over plain HTTP may be anybody's", "use https", url);
    const std::string_view ca = table.member("ca_file").text();
    const RemoteKeys::Times times{nanos(table.member("refresh").timespan()),
                                  nanos(table.member("retry").timespan()), std::chrono::seconds{10}};
    const auto make = [&](const RemoteKeys* old) -> std::shared_ptr<RemoteKeys> {
        const auto target = gantry::client::Target::declare(scope, text, url, {.ca_file = ca});
        if (!target) return nullptr;
        return std::make_shared<RemoteKeys>(auth_.host, std::string(text), target, times, old);
    };
    remote_ = auth_.key_sets.get(std::string(text) + '\n' + std::string(ca), make);
}

inline void Jwt::read_policy(Scope& scope, Value table) {
    policy_.issuers = texts_of(table.member("issuer"));
    policy_.audiences = texts_of(table.member("audience"));
    policy_.algorithms = texts_of(table.member("algorithms"));
    policy_.type = table.member("type").text();
    policy_.leeway = static_cast<std::int64_t>(nanos(table.member("leeway").timespan()) / 1'000'000'000);
    policy_.requires_expiry = table.member("require_exp").boolean();
    policy_.user_claim = table.member("user_claim").text();
    policy_.groups_claim = table.member("groups_claim").text();
    policy_.scopes_claim = table.member("scopes_claim").text();
    const Value headers = table.member("headers");
    for (std::uint32_t i = 0; i < headers.count(); ++i) {
        policy_.fields.emplace_back(headers.name_at(i), headers[i].text());
        auth_.add_identity_field(scope, headers.name_at(i), headers[i]);
    }
}

inline std::unique_ptr<Jwt> Jwt::create(Scope& scope, Auth& auth, Value table) {
    auto made = std::make_unique<Jwt>(auth);
    made->read_keys(scope, table);
    made->read_policy(scope, table);
    made->header_ = table.member("header").text();
    made->cookie_ = table.member("cookie").text();
    made->passes_on_ = table.member("pass_on").boolean();
    made->challenge_ = "Bearer realm=" + in_quotes(table.member("realm").text());
    return made;
}

}  // namespace auth
