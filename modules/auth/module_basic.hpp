// The scheme basic: a name and a password (RFC 7617).
#pragma once

#include "authorization.hpp"
#include "module_scheme.hpp"
#include "password.hpp"
#include "shown.hpp"
#include "users.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

class Basic : public Scheme {
public:
    static std::unique_ptr<Basic> create(Scope& scope, Auth& auth, Value table) {
        auto made = std::make_unique<Basic>(auth);
        const Value files = table.member("users_file");
        for (std::uint32_t i = 0; i < files.count(); ++i)
            made->files_.push_back(
                auth.users.get(scope, files[i], "each line is NAME:HASH or NAME:HASH:GROUP,GROUP"));
        made->read_users(scope, table.member("users"));
        made->read_groups(scope, table.member("groups"));
        if (files.count() == 0 && made->inline_.size() == 0)
            scope.error("basic has no users", "write users_file = \"users.htpasswd\", or users", table);
        made->challenge_ = "Basic realm=" + in_quotes(table.member("realm").text()) + ", charset=\"UTF-8\"";
        made->passes_on_ = table.member("pass_on").boolean();
        return made;
    }

    explicit Basic(Auth& auth) : auth_(auth) {}

    const char* name() const override { return "basic"; }
    bool takes_authorization() const override { return true; }
    void challenge(const gantry::Fields& response, const Refusal& refusal) const override {
        if (refusal.reason != Reason::Requirement) response.add("WWW-Authenticate", challenge_);
    }
    void take_out(const Exchange& exchange) const override {
        if (!passes_on_ && credentials_of(exchange.fields()["Authorization"], "Basic"))
            exchange.fields().remove("Authorization");
    }

    Task<Outcome> judge(Exchange exchange) const override {
        const auto credentials = credentials_of(exchange.fields()["Authorization"], "Basic");
        if (!credentials) co_return Outcome{};
        const auto given = parse_basic(*credentials);
        if (!given) co_return Outcome{.reason = Reason::Malformed};
        const Found found = find(given->user);
        // Of the hash, so that a password which was changed is not remembered.
        const Fingerprint print = fingerprint(
            auth_.secret, {found.identity != nullptr ? "user" : "nobody", found.hash, given->password});
        if (auth_.remembered->proved.find(print, auth_.now()))
            co_return Outcome{.reason = Reason::Accepted, .identity = found.identity};
        Outcome outcome = co_await prove(exchange, *given, found, print);
        if (outcome.is_accepted()) outcome.identity = found.identity;
        if (!outcome.is_accepted()) outcome.who = shown(given->user);
        co_return outcome;
    }

private:
    struct Found {
        std::string hash;
        std::shared_ptr<const Identity> identity = {};  // nullptr: there is no such user
    };

    // Everything takes as long where there is nobody of that name.
    Found find(std::string_view name) const {
        Found found;
        if (look_for(name, inline_, found)) return found;
        for (const auto& file : files_) {
            if (look_for(name, *file->content(), found)) return found;
        }
        std::uint64_t number = 0;
        const Fingerprint print = fingerprint(auth_.secret, {"nobody", name});
        std::memcpy(&number, print.data(), sizeof number);
        found.hash = inline_.size() > 0 || files_.empty() ? inline_.decoy(number)
                                                          : files_.front()->content()->decoy(number);
        return found;
    }
    bool look_for(std::string_view name, const Users& users, Found& found) const {
        const User* user = users.find(name);
        if (user != nullptr) found = {user->hash, with_groups(user->identity)};
        return user != nullptr;
    }

    // One of those with the same name and password computes, and the others wait for it.
    Task<Outcome> prove(Exchange exchange, const BasicCredentials& given, const Found& found,
                        const Fingerprint& print) const {
        constexpr int kTries = 3;  // who leads may leave
        constexpr std::chrono::seconds kPatience{60};
        for (int i = 0; i < kTries; ++i) {
            auto seat = auth_.remembered->proofs.board(print);
            if (seat.leads()) {
                Outcome outcome = co_await compute(exchange, given, found, print);
                const bool is_known = outcome.is_accepted() || status_of(outcome.reason) == 401;
                if (is_known) seat.land(outcome.is_accepted());
                co_return outcome;
            }
            co_await exchange.until(kPatience, [&seat](gantry::Waker waker) { seat.wait(waker); });
            if (const auto fits = seat.answer()) co_return judged(*fits, found);
        }
        co_return Outcome{.reason = Reason::TooBusy};
    }

    Task<Outcome> compute(Exchange exchange, const BasicCredentials& given, const Found& found,
                          const Fingerprint& print) const {
        Turn turn(auth_, exchange);
        if (const auto retry = turn.retry_after())
            co_return Outcome{.reason = Reason::TooFast, .retry_after = *retry};
        if (turn.wait().count() > 0) co_await exchange.sleep(turn.wait());
        const auto fits = co_await exchange.blocking(&verify_password, given.password, found.hash);
        if (!fits) co_return Outcome{.reason = Reason::TooBusy, .why = "too many passwords at once"};
        const Outcome outcome = judged(*fits, found);
        if (outcome.is_accepted()) {
            turn.succeed();
            if (auth_.memory_ttl > 0)
                auth_.remembered->proved.put(print, true, auth_.now() + auth_.memory_ttl);
        }
        co_return outcome;
    }

    static Outcome judged(bool fits, const Found& found) {
        if (found.identity == nullptr) return {.reason = Reason::UnknownUser};
        return {.reason = fits ? Reason::Accepted : Reason::WrongPassword};
    }

    void read_users(Scope& scope, Value users) {
        for (std::uint32_t i = 0; i < users.count(); ++i) {
            const std::string name{users.name_at(i)};
            const std::string hash{users[i].text()};
            if (!is_user_name(name)) {
                scope.error("\"" + name + "\" is no name of a user", "it has no colon and no control bytes",
                            users[i]);
            } else if (const std::string fault = fault_of_hash(hash); !fault.empty()) {
                scope.error(unusable(name, fault), "htpasswd -nB NAME prints one that can", users[i]);
            } else {
                inline_.add(name, hash, {});
            }
        }
    }
    static std::string unusable(const std::string& name, const std::string& fault) {
        std::string text = "the hash of ";
        return text.append(name).append(" cannot be used: ").append(fault);
    }
    void read_groups(Scope& scope, Value groups) {
        for (std::uint32_t i = 0; i < groups.count(); ++i) {
            for (const std::string& user : texts_of(groups[i].member("members"))) {
                groups_[user].emplace_back(groups.name_at(i));
                bool is_known = inline_.find(user) != nullptr;
                for (const auto& file : files_) is_known = is_known || file->content()->find(user) != nullptr;
                if (!is_known)
                    scope.warning("there is no user " + user + " who could be in the group \"" +
                                      std::string(groups.name_at(i)) + "\"",
                                  "add the user, or take the name out", groups[i]);
            }
        }
    }
    std::shared_ptr<const Identity> with_groups(const std::shared_ptr<const Identity>& identity) const {
        const auto more = groups_.find(identity->user);
        if (more == groups_.end()) return identity;
        auto made = std::make_shared<Identity>(*identity);
        made->groups.insert(made->groups.end(), more->second.begin(), more->second.end());
        return made;
    }

    Auth& auth_;
    Users inline_;
    std::vector<std::shared_ptr<WatchedFile<Users>>> files_;
    std::map<std::string, std::vector<std::string>> groups_;
    std::string challenge_;
    bool passes_on_ = false;
};

}  // namespace auth
