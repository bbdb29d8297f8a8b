// limit: request rates, requests at the same time, bans, and lists of addresses.
#include "gantry/module.hpp"

#include "digest.hpp"
#include "gantry/store.hpp"
#include "module_judge.hpp"
#include "window.hpp"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace limit;

class Limiter : public Judge {
public:
    static constexpr const char* name = "limit";
    static constexpr Key keys[] = {
        Key::table("limit", kRuleKeys)
            .named()
            .in(gantry::kAnywhere)
            .short_for("rate")
            .example("{ per-client = { rate = \"10/s\", burst = 20 } }")
            .doc("Rules by names of your own: how many requests pass. Those of [server], the host and the "
                 "location "
                 "hold together; of one name the members that stand nearest hold."),
    };

    using Judge::Judge;

    static std::unique_ptr<Limiter> create(gantry::Scope& scope, Limits& limits) {
        const std::vector<std::string> names = rule_names(scope);
        if (names.size() > kMostRules) {
            scope.error("more than 16 limits hold here", "a host and its locations have 16 at most",
                        scope.find("limit"));
        }
        auto made = std::make_unique<Limiter>(limits);
        return made->read(scope, limits, names, false) ? std::move(made) : nullptr;
    }

    Verdict preaccess(gantry::Exchange& exchange) const {
        Passage* passage = begin(exchange);
        if (passage == nullptr) return Verdict::Next;
        const auto client = parse_address(exchange.client());
        const std::uint64_t now = limits_.now();
        for (const Rule& rule : rules_) {
            if (client && rule.except.contains(*client)) continue;
            std::uint64_t key = 0;
            if (!key_of(exchange, rule, client, key)) continue;
            const Decision decision = table_->take(key, rule.policy, now);
            if (!judge(exchange, *passage, {&rule, key, decision, false}, now))
                return refuse(exchange, *passage, now);
        }
        return pass(exchange, *passage, now);
    }

    void log(gantry::Exchange& exchange) const {
        auto* passage = static_cast<Passage*>(exchange.note(this));
        if (passage == nullptr) return;
        for (std::uint32_t i = 0; i < passage->count; ++i) {
            Passage::Step& step = passage->steps[i];
            if (std::exchange(step.is_held, false)) table_->release(step.key);
        }
    }

private:
    // False: it is to be refused, by this step.
    bool judge(gantry::Exchange& exchange, Passage& passage, Passage::Step step, std::uint64_t now) const {
        const Rule& rule = *step.rule;
        if (step.decision.has_evicted) rule.counted->evicted.add();
        if (step.decision.kind == Decision::Kind::Full) {
            rule.counted->unknown.add();
            tell(exchange, step, now, "table of limits full");
        }
        step.is_held = step.decision.passes() && rule.policy.concurrency != 0;
        new (&passage.steps[passage.count++]) Passage::Step(step);
        const bool is_full = step.decision.kind == Decision::Kind::Full;
        if (step.decision.passes() || (is_full && !limits_.refuses_when_full)) return true;
        if (rule.is_dry) {
            rule.counted->dry_run.add();
            tell(exchange, step, now, "request would be refused");
            return true;
        }
        return false;
    }

    Verdict pass(gantry::Exchange& exchange, Passage& passage, std::uint64_t now) const {
        const Passage::Step* longest = nullptr;
        for (std::uint32_t i = 0; i < passage.count; ++i) {
            const Passage::Step& step = passage.steps[i];
            if (step.waits() && (longest == nullptr || step.decision.wait > longest->decision.wait))
                longest = &step;
        }
        if (longest != nullptr && !begin_to_wait(passage, *longest)) return refuse(exchange, passage, now);
        for (std::uint32_t i = 0; i < passage.count; ++i) {
            const Passage::Step& step = passage.steps[i];
            if (step.decision.passes())
                (step.waits() ? step.rule->counted->delayed : step.rule->counted->passed).add();
        }
        return longest == nullptr ? Verdict::Next : delay(exchange, passage, longest->decision.wait);
    }

    // False: too many wait already, and the last step of `passage` says so.
    bool begin_to_wait(Passage& passage, const Passage::Step& longest) const {
        Counted& counted = *longest.rule->counted;
        if (counted.waiting.fetch_add(1, std::memory_order_relaxed) < longest.rule->queue) {
            passage.waits_for = &counted;
            return true;
        }
        counted.waiting.fetch_sub(1, std::memory_order_relaxed);
        Passage::Step refused = longest;
        table_->give_back(refused.key, refused.rule->policy);
        refused.is_held = false;
        refused.decision.kind = Decision::Kind::Refuse;
        std::swap(passage.steps[&longest - passage.steps], passage.steps[passage.count - 1]);
        passage.steps[passage.count - 1] = refused;
        return false;
    }

    // Their turns follow one another as they came, so nobody has to keep them in a line.
    Verdict delay(gantry::Exchange& exchange, Passage& passage, std::uint64_t wait) const {
        const gantry::Host& host = limits_.host;
        const gantry_ticket_t ticket =
            host.async()->suspend(exchange.raw(), &passage, [](void* state) noexcept {
                static_cast<Passage*>(state)->waits_for->waiting.fetch_sub(1, std::memory_order_relaxed);
            });
        if (host.timer()->resume_after(host.raw(), ticket, wait, GANTRY_NEXT) != GANTRY_OK)
            host.async()->resume(host.raw(), ticket, GANTRY_NEXT);
        return Verdict::Wait;
    }
};

// Rules that all machines with the same store count together. They are asked when those of this process let a
// request pass.
class SharedLimiter : public Judge {
public:
    static constexpr const char* name = "limit.shared";
    static constexpr const char* after = "limit";

    using Judge::Judge;

    static std::unique_ptr<SharedLimiter> create(gantry::Scope& scope, Limits& limits) {
        auto made = std::make_unique<SharedLimiter>(limits);
        return made->read(scope, limits, rule_names(scope), true) ? std::move(made) : nullptr;
    }

    gantry::Task<Verdict> preaccess(gantry::Exchange exchange) const {
        Passage* passage = begin(exchange);
        if (passage == nullptr) co_return Verdict::Next;
        const auto client = parse_address(exchange.client());
        for (const Rule& rule : rules_) {
            if (client && rule.except.contains(*client)) continue;
            Passage::Step step{&rule, 0, {}, false};
            if (!key_of(exchange, rule, client, step.key)) continue;
            // Who was refused is not asked for again before it could pass.
            step.decision = table_->take(step.key, rule.policy, limits_.now());
            if (step.decision.passes() || step.decision.kind == Decision::Kind::Full) {
                const std::string counter = store_key(exchange, rule, client);
                const auto answer = co_await ask(exchange, counter, rule);
                step.decision = decide(step.key, rule, counter, answer);
            }
            new (&passage->steps[passage->count++]) Passage::Step(step);
            if (is_accepted(exchange, step)) continue;
            co_return refuse(exchange, *passage, limits_.now());
        }
        co_return Verdict::Next;
    }

private:
    static constexpr std::chrono::seconds kPatience{2};

    // The same on all machines. Of a digest nobody learns the key.
    std::string store_key(const gantry::Exchange& exchange, const Rule& rule,
                          const std::optional<Address>& client) const {
        std::string text = rule.store_name;
        const auto add = [&](std::string_view part) {
            const auto address = parse_address(part);
            const std::string value =
                address ? address->masked(rule.v4_bits, rule.v6_bits).text() : std::string(part);
            text += '\0' + std::to_string(value.size()) + ':' + value;
        };
        if (rule.key.empty()) add(client ? client->text() : std::string(exchange.client()));
        for (const Value part : rule.key) add(exchange.evaluate(part));
        return rule.name + ':' + digest(text);
    }

    // Its outcome is Unavailable where the store takes too long.
    gantry::Task<gantry::Answer> ask(gantry::Exchange exchange, const std::string& counter,
                                     const Rule& rule) const {
        const auto answer = std::make_shared<gantry::Answer>();  // the store may be late
        const auto window = std::chrono::nanoseconds{static_cast<std::int64_t>(rule.window)};
        const auto begin = [&](gantry::Waker waker) {
            const auto done = [answer, waker](const gantry::Answer& said) {
                *answer = said;
                waker.wake();
            };
            const auto cost = static_cast<std::int64_t>(rule.policy.cost);
            if (limits_.host.ask(gantry::store::add(counter, cost, window), done) != GANTRY_OK) waker.wake();
        };
        const bool is_there = co_await exchange.until(kPatience, begin);
        co_return is_there ? *answer : gantry::Answer{};
    }

    Decision decide(std::uint64_t key, const Rule& rule, const std::string& counter,
                    const gantry::Answer& answer) const {
        if (!answer) return {.kind = Decision::Kind::Full};
        const WindowVerdict verdict = limit::judge({answer.count, answer.previous, nanos(answer.into_window)},
                                                   rule.window, rule.most, rule.policy.cost);
        if (verdict.passes) return {.remaining = verdict.remaining, .reset = verdict.reset};
        const auto window = std::chrono::nanoseconds{static_cast<std::int64_t>(rule.window)};
        limits_.host.ask(gantry::store::add(counter, -static_cast<std::int64_t>(rule.policy.cost), window),
                         [](const gantry::Answer&) {});
        const std::uint64_t now = limits_.now();
        return table_->refuse(key, rule.policy, now, add(now, verdict.wait));
    }

    // Counts it, and tells.
    bool is_accepted(const gantry::Exchange& exchange, const Passage::Step& step) const {
        const Rule& rule = *step.rule;
        if (step.decision.passes()) {
            rule.counted->passed.add();
            return true;
        }
        const bool is_unknown = step.decision.kind == Decision::Kind::Full;
        if (is_unknown) {
            rule.counted->unknown.add();
            tell(exchange, step, limits_.now(), "store of a shared limit does not answer");
            if (!rule.refuses_without_store) return true;
        }
        if (!rule.is_dry) return false;
        rule.counted->dry_run.add();
        tell(exchange, step, limits_.now(), "request would be refused");
        return true;
    }
};

// ---- lists of addresses

class Gate {
public:
    static constexpr const char* name = "limit.addresses";
    static constexpr const char* before = "limit";
    static constexpr Key keys[] = {
        Key::table("addresses", kAddressKeys)
            .in(gantry::kAnywhere)
            .example("{ deny_files = [\"lists/drop.txt\"] }")
            .doc("Which clients may come, by their addresses."),
    };

    static std::unique_ptr<Gate> create(gantry::Scope& scope, Limits& limits) {
        if (!scope.find_nearest("addresses")) return nullptr;
        const auto find = [&](const char* member) {
            return scope.find_nearest(std::string("addresses.") + member);
        };
        auto made = std::make_unique<Gate>(limits);
        const Value allow = find("allow");
        const Value allow_files = find("allow_files");
        made->allowed_ = address_set(scope, limits, allow, allow_files);
        made->denied_ = address_set(scope, limits, find("deny"), find("deny_files"));
        made->allows_all_ = !allow && !allow_files;
        if (const Value status = find("status")) made->status_ = static_cast<int>(status.integer());
        if (made->allows_all_ && made->denied_.is_empty()) return nullptr;
        made->place_ = place_name(limits.host, scope.raw());
        made->count_ = limits.denied(made->place_);
        return made;
    }

    explicit Gate(const Limits& limits) : limits_(limits) {}

    Verdict preaccess(gantry::Exchange& exchange) const {
        const auto client = parse_address(exchange.client());
        // Who has no address, by a unix socket, is in no list.
        const bool may =
            client ? !denied_.contains(*client) && (allows_all_ || allowed_.contains(*client)) : allows_all_;
        if (may) return Verdict::Next;
        count_.add();
        if (const auto left_out = throttle_.allow(limits_.now())) {
            limits_.host.print(LogLevel::Warn,
                               "request refused by a list of addresses place=%s client=%.*s left_out=%llu",
                               place_.c_str(), static_cast<int>(exchange.client().size()),
                               exchange.client().data(), static_cast<unsigned long long>(*left_out));
        }
        return exchange.fail(status_);
    }

private:
    const Limits& limits_;
    AddressSet allowed_;
    AddressSet denied_;
    bool allows_all_ = true;
    int status_ = 403;
    std::string place_;
    gantry::Counter count_;
    mutable LogThrottle throttle_;
};

}  // namespace

GANTRY_COMMANDS(GANTRY_COMMAND("bans", "GET", "bans", "List the bans that hold")
                    GANTRY_OPTION("rule", "NAME", GANTRY_OPTIONAL, "Only those of this rule")
                        GANTRY_OPTION("key", "KEY", GANTRY_OPTIONAL, "Only those of this key or client")
                            GANTRY_COMMAND("unban", "POST", "unban", "Lift bans: their keys begin anew")
                                GANTRY_ARGUMENT("key", "KEY", GANTRY_OPTIONAL,
                                                "Whose: a key or a client, as the list of bans has it")
                                    GANTRY_OPTION("rule", "NAME", GANTRY_OPTIONAL, "Only those of this rule")
                                        GANTRY_FLAG("all", "Of all keys"));

GANTRY_MODULE("limit", "1.0.0", "Request rates, requests at the same time, bans, and lists of addresses.",
              gantry::State<Limits>, gantry::Control<Limits>, gantry::Preaccess<Gate>,
              gantry::Preaccess<Limiter>, gantry::HeaderFilter<Limiter>, gantry::Logger<Limiter>,
              gantry::Preaccess<SharedLimiter>, gantry::HeaderFilter<SharedLimiter>);
