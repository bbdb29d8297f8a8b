// The scheme keys: API keys, in a field of their own, as bearer tokens, or in the query.
#pragma once

#include "authorization.hpp"
#include "key_ring.hpp"
#include "module_scheme.hpp"
#include "shown.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace auth {

class ApiKeys : public Scheme {
public:
    static std::unique_ptr<ApiKeys> create(Scope& scope, Auth& auth, Value table) {
        auto made = std::make_unique<ApiKeys>(auth);
        const Value files = table.member("keys_file");
        for (std::uint32_t i = 0; i < files.count(); ++i)
            made->files_.push_back(auth.key_files.get(scope, files[i], "each line is ID:SHA256"));
        const Value known = table.member("keys");
        for (std::uint32_t i = 0; i < known.count(); ++i) made->read_key(scope, known.name_at(i), known[i]);
        if (files.count() == 0 && known.count() == 0)
            scope.error("there are no keys", "write keys_file = \"api.keys\", or keys", table);
        made->header_ = table.member("header").text();
        made->query_ = table.member("query").text();
        made->takes_bearer_ = table.member("bearer").boolean();
        made->passes_on_ = table.member("pass_on").boolean();
        if (made->header_.empty() && made->query_.empty() && !made->takes_bearer_)
            scope.error("keys come from nowhere", "name a header, or write bearer = true", table);
        made->realm_ = in_quotes(table.member("realm").text());
        return made;
    }

    explicit ApiKeys(Auth& auth) : auth_(auth) {}

    const char* name() const override { return "keys"; }
    bool takes_authorization() const override { return header_.empty() && query_.empty(); }
    void challenge(const gantry::Fields& response, const Refusal& refusal) const override {
        if (refusal.reason == Reason::Requirement) return;
        if (takes_bearer_) response.add("WWW-Authenticate", "Bearer realm=" + realm_);
        if (!header_.empty())
            response.add("WWW-Authenticate", "ApiKey realm=" + realm_ + ", header=" + in_quotes(header_));
    }
    void take_out(const Exchange& exchange) const override {
        if (passes_on_) return;
        if (!header_.empty()) exchange.fields().remove(header_);
        if (takes_bearer_ && bearer_of(exchange)) exchange.fields().remove("Authorization");
    }

    Task<Outcome> judge(Exchange exchange) const override {
        const std::optional<std::string> key = find(exchange);
        if (!key) co_return Outcome{};
        if (key->empty() || key->size() > kMostKeyBytes) co_return Outcome{.reason = Reason::Malformed};
        const Fingerprint print = fingerprint(auth_.secret, {"key", *key});
        const bool is_remembered = auth_.remembered->proved.find(print, auth_.now()).has_value();
        if (is_remembered) {
            const Outcome outcome = look(*key);
            if (outcome.is_accepted()) co_return outcome;
        }
        Turn turn(auth_, exchange);
        if (const auto retry = turn.retry_after())
            co_return Outcome{.reason = Reason::TooFast, .retry_after = *retry};
        if (turn.wait().count() > 0) co_await exchange.sleep(turn.wait());
        const Outcome outcome = look(*key);
        // Who has a key that is too old did not guess it.
        if (outcome.reason != Reason::UnknownKey) turn.succeed();
        if (outcome.is_accepted() && auth_.memory_ttl > 0)
            auth_.remembered->proved.put(print, true, auth_.now() + auth_.memory_ttl);
        co_return outcome;
    }

private:
    std::optional<std::string> find(const Exchange& exchange) const {
        if (!header_.empty()) {
            if (const auto value = exchange.fields().find(header_)) return std::string(*value);
        }
        if (takes_bearer_) {
            if (const auto value = bearer_of(exchange)) return std::string(*value);
        }
        return query_.empty() ? std::nullopt : parameter_of(exchange.query(), query_);
    }
    // But for what is a token of the scheme jwt: somebody else's, and no guess.
    static std::optional<std::string_view> bearer_of(const Exchange& exchange) {
        const auto value = credentials_of(exchange.fields()["Authorization"], "Bearer");
        const bool is_jwt =
            value && value->starts_with("eyJ") && std::count(value->begin(), value->end(), '.') == 2;
        return is_jwt ? std::nullopt : value;
    }

    Outcome look(std::string_view key) const {
        const auto judged = [](const ApiKey& found) {
            const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                std::chrono::system_clock::now().time_since_epoch());
            if (found.expires <= now.count())
                return Outcome{.reason = Reason::Expired, .who = shown(found.identity->user)};
            return Outcome{.reason = Reason::Accepted, .identity = found.identity};
        };
        if (const ApiKey* found = inline_.find(key)) return judged(*found);
        for (const auto& file : files_) {
            const auto ring = file->content();
            if (const ApiKey* found = ring->find(key)) return judged(*found);
        }
        return {.reason = Reason::UnknownKey};
    }

    void read_key(Scope& scope, std::string_view name, Value table) {
        Identity identity;
        identity.user = name;
        identity.groups = texts_of(table.member("groups"));
        identity.scopes = texts_of(table.member("scopes"));
        const std::string fault =
            inline_.add(std::move(identity), table.member("sha256").text(), table.member("expires").text());
        if (!fault.empty())
            scope.error("the key " + std::string(name) + " cannot be used: " + fault,
                        "write ID = { sha256 = \"...\", scopes = [...], expires = \"2027-01-31\" }", table);
    }

    Auth& auth_;
    KeyRing inline_;
    std::vector<std::shared_ptr<WatchedFile<KeyRing>>> files_;
    std::string header_;
    std::string query_;
    std::string realm_;
    bool takes_bearer_ = false;
    bool passes_on_ = false;
};

}  // namespace auth
