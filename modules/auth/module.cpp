// auth: who may. Names and passwords, API keys, tokens, and what another server says.
#include "gantry/module.hpp"

#include "module_demand.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace auth;
using gantry::Verdict;

// Fields that tell an upstream who it is come from here alone, also where nothing is demanded.
class Stripper {
public:
    static constexpr const char* name = "auth.identity";

    static std::unique_ptr<Stripper> create(Scope& scope, Auth& auth) {
        for (const char* key : {"auth_headers.user", "auth_headers.groups", "auth_headers.scopes"})
            auth.add_identity_field(scope, scope.find(key).text(), scope.find(key));
        return std::make_unique<Stripper>(auth);
    }

    explicit Stripper(const Auth& auth) : auth_(auth) {}

    Verdict rewrite(gantry::Exchange& exchange) const {
        while (true) {
            std::string found;
            bool is_named_by_connection = false;
            exchange.fields().each([&](std::string_view field, std::string_view value) {
                if (found.empty() && is_identity(field)) found = field;
                // What Connection names is taken out on the way to the upstream, and it would not know who it
                // is.
                if (is_same_name(field, "Connection"))
                    is_named_by_connection = is_named_by_connection || names_identity(value);
            });
            if (is_named_by_connection) return exchange.fail(400);
            if (found.empty()) break;
            if (exchange.fields().remove(found) != GANTRY_OK) return exchange.fail(400);
        }
        // They may come behind the body as well.
        if (exchange.fields().has("Transfer-Encoding")) {
            for (const std::string& field : auth_.identity_fields()) exchange.fields().remove(field);
        }
        return Verdict::Next;
    }

private:
    bool is_identity(std::string_view field) const {
        const auto& fields = auth_.identity_fields();
        return std::any_of(fields.begin(), fields.end(),
                           [&](const std::string& one) { return is_same_variable(one, field); });
    }
    bool names_identity(std::string_view connection) const {
        while (!connection.empty()) {
            if (is_identity(trimmed(next_part(connection, ',')))) return true;
        }
        return false;
    }

    const Auth& auth_;
};

// What is told in the head of a refusal; in the memory of its exchange.
struct Refused {
    const Demand* demand;
    Refusal refusal;
    std::uint64_t retry_after;
};

class Guard {
public:
    static constexpr const char* name = "auth";
    static constexpr Key keys[] = {
        Key::table("auth", kAuthKeys)
            .in(gantry::kAnywhere)
            .short_for("satisfy")
            .example("{ basic = { users_file = \"users.htpasswd\" } }")
            .doc("Who may come. What [server], the host and the location demand has to hold together; "
                 "\"none\" "
                 "opens a place."),
        Key::table("auth_headers", kHeaderKeys)
            .in(gantry::kInServer | gantry::kInHost)
            .short_for("user")
            .standard("\"X-Auth-User\"")
            .example("{ user = \"Remote-User\", groups = \"Remote-Groups\" }")
            .doc("Fields of the request that tell the upstream who it is; \"\": none. Those that clients "
                 "send are "
                 "always taken out."),
    };

    static std::unique_ptr<Guard> create(Scope& scope, Auth& auth) {
        auto made = std::make_unique<Guard>(auth);
        made->demands_ = demands_of(scope, auth);
        if (made->demands_.empty()) return nullptr;
        check_demands(scope, made->demands_);
        made->user_field_ = scope.find("auth_headers.user").text();
        made->groups_field_ = scope.find("auth_headers.groups").text();
        made->scopes_field_ = scope.find("auth_headers.scopes").text();
        made->place_ = place_name(auth.host, scope.raw());
        made->none_ = &auth.counted("none");
        return made;
    }

    explicit Guard(Auth& auth) : auth_(auth) {}

    gantry::Task<Verdict> access(gantry::Exchange exchange) const {
        // One would be judged, and perhaps another one believed.
        if (has_two_credentials(exchange)) co_return exchange.fail(400);
        People people;
        for (const auto& demand : demands_) {
            const Outcome outcome = co_await judge(exchange, *demand, people);
            if (!outcome.is_accepted()) co_return refuse(exchange, *demand, outcome);
        }
        if (!introduce(exchange, people)) {
            auth_.host.print(LogLevel::Error, "no field of a request can hold who it is place=%s user=\"%s\"",
                             place_.c_str(), shown(user_of(people)).c_str());
            co_return exchange.fail(403);
        }
        co_return Verdict::Next;
    }

    void head(gantry::Exchange& exchange) const {
        const auto* refused = static_cast<const Refused*>(exchange.note(this));
        if (refused == nullptr) return;
        const int status = exchange.response().status();
        const gantry::Fields fields = exchange.response().fields();
        const bool is_of_all = status == 403 && refused->refusal.reason == Reason::Requirement;
        for (const auto& demand : demands_) {
            // What is required may stand in another place than the scheme that could have proved it.
            if (!is_of_all && (status != 401 || demand.get() != refused->demand)) continue;
            for (const auto& scheme : demand->schemes) scheme->challenge(fields, refused->refusal);
        }
        if (status == 429) {
            const std::uint64_t whole = (refused->retry_after + 999'999'999) / 1'000'000'000;
            fields.set("Retry-After", std::to_string(std::max<std::uint64_t>(whole, 1)));
        }
    }

private:
    static bool has_two_credentials(const Exchange& exchange) {
        int count = 0;
        exchange.fields().each([&](std::string_view field, std::string_view) {
            if (is_same_name(field, "Authorization")) ++count;
        });
        return count > 1;
    }

    // Accepted: it holds, and `people` has those who were found.
    Task<Outcome> judge(Exchange exchange, const Demand& demand, People& people) const {
        Outcome worst;
        std::size_t accepted = 0;
        for (const auto& scheme : demand.schemes) {
            Outcome outcome{.reason = Reason::Insecure, .why = "plain HTTP"};
            if (may_be_seen(exchange, demand, *scheme)) outcome = co_await scheme->judge(exchange);
            outcome.scheme = scheme.get();
            if (outcome.is_accepted()) {
                people.push_back(outcome.identity);
                if (demand.wants_all && ++accepted < demand.schemes.size()) continue;
                outcome = require(demand, people);
                if (!outcome.is_accepted() && !demand.wants_all) people.pop_back();
            }
            if (outcome.reason != Reason::Missing) {
                scheme->counted->add(outcome.reason);
                if (!outcome.is_accepted()) tell(exchange, scheme->name(), outcome);
            }
            const bool is_better = weight_of(outcome.reason) >= weight_of(worst.reason);
            if (outcome.is_accepted() || outcome.is_answered) co_return outcome;
            if (is_better) worst = std::move(outcome);
            if (demand.wants_all) co_return worst;
        }
        if (demand.schemes.empty()) worst = require(demand, people);
        if (worst.reason == Reason::Missing) none_->add(Reason::Missing);
        if (demand.schemes.empty() && !worst.is_accepted()) tell(exchange, "none", worst);
        co_return worst;
    }

    // Nor is a credential asked for where everybody would see it.
    static bool may_be_seen(const Exchange& exchange, const Demand& demand, const Scheme& scheme) {
        return demand.is_insecure || exchange.scheme() != "http" || is_local(exchange) ||
               !scheme.needs_secrecy();
    }

    static Outcome require(const Demand& demand, const People& people) {
        const char* missing = demand.require.missing(people);
        if (missing == nullptr)
            return {.reason = Reason::Accepted, .identity = people.empty() ? nullptr : people.back()};
        return {.reason = Reason::Requirement, .who = shown(user_of(people)), .why = missing};
    }

    // Of several places that have the same scheme the nearest one says whether its credential goes on.
    void take_out_credentials(const Exchange& exchange) const {
        for (std::size_t i = 0; i < demands_.size(); ++i) {
            for (const auto& scheme : demands_[i]->schemes) {
                const bool has_nearer =
                    std::any_of(demands_.begin() + static_cast<std::ptrdiff_t>(i) + 1, demands_.end(),
                                [&](const auto& nearer) { return nearer->has_scheme(scheme->name()); });
                if (!has_nearer) scheme->take_out(exchange);
            }
        }
    }

    // False: what it is cannot be in a field.
    bool introduce(const Exchange& exchange, const People& people) const {
        take_out_credentials(exchange);
        const auto set = [&](const std::string& field, std::string_view value) {
            return field.empty() || value.empty() || exchange.fields().set(field, value) == GANTRY_OK;
        };
        for (const auto& one : people) {
            for (const auto& [field, value] : one->fields) {
                if (!set(field, value)) return false;
            }
        }
        return set(user_field_, user_of(people)) && set(groups_field_, groups_of(people)) &&
               set(scopes_field_, scopes_of(people));
    }

    Verdict refuse(const Exchange& exchange, const Demand& demand, const Outcome& outcome) const {
        if (outcome.is_answered) return Verdict::Done;
        auto* refused = exchange.make<Refused>(
            Refused{&demand, {outcome.reason, outcome.scheme, &demand.require}, outcome.retry_after});
        if (refused != nullptr) exchange.set_note(this, refused);
        return exchange.fail(status_of(outcome.reason));
    }

    // Who, from where and why, and never the secret.
    void tell(const Exchange& exchange, const char* scheme, const Outcome& outcome) const {
        if (!auth_.host.wants(LogLevel::Warn)) return;
        const auto left_out = throttle_.allow(auth_.now());
        if (!left_out) return;
        const std::string_view client = exchange.client();
        auth_.host.print(
            LogLevel::Warn,
            "authentication failed scheme=%s reason=%s place=%s client=%.*s user=\"%s\" why=\"%s\" "
            "left_out=%llu",
            scheme, word_of(outcome.reason), place_.c_str(), static_cast<int>(client.size()), client.data(),
            outcome.who.c_str(), outcome.why.c_str(), static_cast<unsigned long long>(*left_out));
    }

    Auth& auth_;
    std::vector<std::shared_ptr<const Demand>> demands_;
    std::string user_field_;
    std::string groups_field_;
    std::string scopes_field_;
    std::string place_;
    const Counted* none_ = nullptr;
    mutable LogThrottle throttle_;
};

}  // namespace

GANTRY_MODULE("auth", "1.0.0",
              "Who may: names and passwords, API keys, tokens, and what another server says.",
              gantry::State<Auth>, gantry::Rewrite<Stripper>, gantry::Access<Guard>,
              gantry::HeaderFilter<Guard>);
