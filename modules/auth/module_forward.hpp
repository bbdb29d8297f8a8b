// The scheme forward: another server is asked about each request, or about each key of a template once in a
// while.
#pragma once

#include "decision.hpp"
#include "gantry/client.hpp"
#include "memo.hpp"
#include "module_scheme.hpp"
#include "shown.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

class Forward : public Scheme {
    using Judgement = std::shared_ptr<const Decision>;

    // What a question needs that goes on when its client has left, and its place is gone.
    struct Shared {
        explicit Shared(std::size_t capacity) : memo(capacity) {}

        DecisionPolicy policy;
        std::uint64_t ttl = 0;
        std::uint64_t deny_ttl = 0;
        Memo<Judgement> memo;
        Flights<Judgement, gantry::Waker> flights;
    };

public:
    static std::unique_ptr<Forward> create(Scope& scope, Auth& auth, Value table);

    explicit Forward(Auth& auth)
        : auth_(auth), shared_(std::make_shared<Shared>(auth.remembered->proof_capacity)) {}

    const char* name() const override { return "forward"; }
    // What it judges by is the business of the server that is asked.
    bool needs_secrecy() const override { return false; }
    void challenge(const gantry::Fields&, const Refusal&) const override {}
    void take_out(const Exchange& exchange) const override {
        if (gives_authorization_) exchange.fields().remove("Authorization");
    }

    Task<Outcome> judge(Exchange exchange) const override {
        const std::optional<Fingerprint> key = key_of(exchange);
        Judgement decision;
        if (key) decision = shared_->memo.find(*key, auth_.now()).value_or(nullptr);
        if (decision == nullptr && key) decision = co_await ask_once(exchange, *key);
        if (decision == nullptr) decision = co_await ask(exchange);
        co_return judged(exchange, *decision);
    }

private:
    static constexpr std::uint64_t kMostBody = 256 * 1024;

    // Nothing: it is not remembered, or there is nothing to remember it by.
    std::optional<Fingerprint> key_of(const Exchange& exchange) const {
        std::string text;
        bool is_there = false;
        for (const Value part : key_) {
            const std::string_view value = exchange.evaluate(part);
            is_there = is_there || !value.empty();
            text += std::to_string(value.size()) + ':';
            text += value;
        }
        if (!is_there) return std::nullopt;
        return fingerprint(auth_.secret, {"forward", text});
    }

    // One asks for all with this key. nullptr: what was said is for that one alone.
    Task<Judgement> ask_once(Exchange exchange, const Fingerprint& key) const {
        const auto seat =
            std::make_shared<typename Flights<Judgement, gantry::Waker>::Seat>(shared_->flights.board(key));
        const bool leads = seat->leads();
        if (leads) begin(exchange, key, seat);
        co_await exchange.until(timeout_ + std::chrono::seconds{1},
                                [&seat](gantry::Waker waker) { seat->wait(waker); });
        const std::optional<Judgement> landed = seat->answer();
        if (landed && (leads || (*landed)->may_be_shared())) co_return *landed;
        co_return nullptr;
    }

    // On its worker, for no exchange: others may wait for it when this client has left.
    template <class SeatPointer>
    void begin(const Exchange& exchange, const Fingerprint& key, const SeatPointer& seat) const {
        const auto done = [seat, key, shared = shared_,
                           host = &auth_.host](const gantry::client::Answer& answer) {
            const auto decision = std::make_shared<const Decision>(decided(answer, shared->policy));
            const std::uint64_t time = decision->said == Said::Yes  ? shared->ttl
                                       : decision->said == Said::No ? shared->deny_ttl
                                                                    : 0;
            if (time > 0 && decision->may_be_shared())
                shared->memo.put(key, decision, host->timer()->monotonic() + time);
            seat->land(decision);
        };
        if (auth_.host.fetch(request_of(exchange), done) != GANTRY_OK)
            seat->land(std::make_shared<const Decision>(Decision{.why = "too much is under way"}));
    }

    Task<Judgement> ask(Exchange exchange) const {
        const auto answer = co_await exchange.fetch(request_of(exchange));
        co_return std::make_shared<const Decision>(decided(answer, shared_->policy));
    }

    // Of views of the request, which stay as it sleeps.
    gantry::client::Request request_of(const Exchange& exchange) const {
        const std::string_view host = exchange.fields()["Host"];
        gantry::client::Request request{target_};
        for (const std::string& field : asked_with_) request.copy(exchange.fields(), field);
        request.field("X-Forwarded-Method", exchange.method())
            .field("X-Forwarded-Proto", exchange.scheme())
            .field("X-Forwarded-Host", host.empty() ? exchange.host_name() : host)
            .field("X-Forwarded-Uri", exchange.target())
            .field("X-Forwarded-For", exchange.client())
            .largest_body(kMostBody)
            .timeout(timeout_);
        return request;
    }

    static Decision decided(const gantry::client::Answer& answer, const DecisionPolicy& policy) {
        if (!answer) return {.why = std::string(answer.reason)};
        FieldList fields;
        for (const auto& field : answer.fields) fields.emplace_back(field.name, field.value);
        return decision_of(answer.status, fields, answer.body, policy);
    }

    static Outcome judged(const Exchange& exchange, const Decision& decision) {
        if (decision.said == Said::Yes) return {.reason = Reason::Accepted, .identity = decision.identity};
        if (decision.said == Said::Nothing)
            return {.reason = Reason::Unavailable, .why = shown(decision.why)};
        gantry::Response response = exchange.response();
        response.status(decision.status);
        for (const auto& [name, value] : decision.fields) response.fields().add(name, value);
        response.body(decision.body);
        return {.reason = Reason::Denied, .why = std::to_string(decision.status), .is_answered = true};
    }

    Auth& auth_;
    gantry::client::Target target_;
    std::chrono::nanoseconds timeout_{};
    std::vector<std::string> asked_with_;
    std::vector<Value> key_;
    bool gives_authorization_ = false;
    std::shared_ptr<Shared> shared_;
};

inline std::unique_ptr<Forward> Forward::create(Scope& scope, Auth& auth, Value table) {
    auto made = std::make_unique<Forward>(auth);
    const std::string_view ca = table.member("ca_file").text();
    made->target_ = gantry::client::Target::declare(scope, table.member("url").text(), table.member("url"),
                                                    {.ca_file = ca});
    made->timeout_ = table.member("timeout").timespan();
    made->asked_with_ = texts_of(table.member("fields"));
    for (const std::string& field : made->asked_with_) {
        if (!may_be_asked_with(field))
            scope.error("\"" + field + "\" cannot be in the question", "name a field that clients send",
                        table);
    }
    DecisionPolicy& policy = made->shared_->policy;
    policy.copied = texts_of(table.member("copy"));
    policy.user = table.member("user").text();
    policy.groups = table.member("groups").text();
    for (const std::string& field : policy.copied) {
        // Clients have one as well, by which they are judged: it makes way for that of the answer afterwards.
        const bool is_authorization = is_same_name(field, "Authorization");
        made->gives_authorization_ = made->gives_authorization_ || is_authorization;
        if (!is_authorization) auth.add_identity_field(scope, field, table.member("copy"));
    }
    if (const Value cache = table.member("cache")) {
        const Value key = cache.member("key");
        for (std::uint32_t i = 0; i < key.count(); ++i) made->key_.push_back(key[i]);
        made->shared_->ttl = nanos(cache.member("ttl").timespan());
        made->shared_->deny_ttl = nanos(cache.member("deny_ttl").timespan());
    }
    return made;
}

}  // namespace auth
