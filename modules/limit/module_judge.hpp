// What rules have in common, wherever they are counted: keys, refusals, and what clients and the log are
// told.
#pragma once

#include "fields.hpp"
#include "gantry/module.hpp"
#include "module_rules.hpp"

#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace limit {

using gantry::Verdict;

// What was decided about it, in the memory of its exchange.
struct Passage {
    struct Step {
        const Rule* rule;
        std::uint64_t key;
        Decision decision;
        bool is_held;  // to be released

        bool waits() const { return rule->delays && decision.passes() && decision.wait > 0; }
    };
    Step* steps;  // as many as there are rules
    std::uint32_t count;
    bool is_refused;
    Counted* waits_for;  // nullptr: it does not wait
};

// What rules have in common, wherever they are counted: one object for each location.
class Judge {
public:
    explicit Judge(Limits& limits) : limits_(limits) {}

    void head(gantry::Exchange& exchange) const {
        const auto* passage = static_cast<const Passage*>(exchange.note(this));
        if (passage == nullptr) return;
        const gantry::Fields fields = exchange.response().fields();
        std::uint64_t wait = 0;
        for (std::uint32_t i = 0; i < passage->count; ++i) {
            const Passage::Step& step = passage->steps[i];
            if (step.rule->is_dry || step.decision.kind == Decision::Kind::Full) continue;
            if (!step.decision.passes()) wait = std::max(wait, step.decision.wait);
            if (!step.rule->has_fields || is_banned(step.decision)) continue;
            char item[160];
            const std::size_t size = write_item(item, sizeof item, step.rule->name, step.decision);
            if (size == 0) continue;
            fields.add("RateLimit-Policy", step.rule->policy_item);
            fields.add("RateLimit", {item, size});
        }
        if (passage->is_refused && exchange.response().status() != 403) {
            char text[24];
            const int size =
                std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(retry_after(wait)));
            fields.set("Retry-After", {text, static_cast<std::size_t>(size)});
        }
    }

protected:
    // Those rules of a location that are shared, or that are not. False: there are none.
    bool read(gantry::Scope& scope, Limits& limits, const std::vector<std::string>& names, bool shared) {
        for (const std::string& name : names) {
            Rule rule;
            RuleReader reader{scope, limits, name};
            if (reader.is_shared() == shared && reader.read(rule)) rules_.push_back(std::move(rule));
        }
        if (!rules_.empty()) table_ = limits.table();
        return !rules_.empty();
    }

    // nullptr: there is no room for it, and the log knows.
    Passage* begin(const gantry::Exchange& exchange) const {
        auto* steps = static_cast<Passage::Step*>(
            limits_.host.http()->allocate(exchange.raw(), rules_.size() * sizeof(Passage::Step)));
        auto* passage = exchange.make<Passage>(Passage{steps, 0, false, nullptr});
        if (steps != nullptr && passage != nullptr && exchange.set_note(this, passage) == GANTRY_OK)
            return passage;
        limits_.host.write(LogLevel::Error, "not limited: an exchange has no room for a note");
        return nullptr;
    }

    static bool is_banned(const Decision& decision) {
        return decision.kind == Decision::Kind::Ban || decision.kind == Decision::Kind::Banned;
    }

    // False: there is nothing to count by.
    bool key_of(const gantry::Exchange& exchange, const Rule& rule, const std::optional<Address>& client,
                std::uint64_t& key) const {
        key = rule.identity;
        if (rule.key.empty()) {
            key = client ? mixed(key, *client, rule) : mixed(key, exchange.client());
            return true;
        }
        bool is_there = false;
        for (const Value part : rule.key) {
            const std::string_view text = exchange.evaluate(part);
            is_there = is_there || !text.empty();
            const auto address = parse_address(text);
            key = address ? mixed(key, *address, rule) : mixed(key, text);
        }
        return is_there;
    }
    std::uint64_t mixed(std::uint64_t key, std::string_view text) const {
        const Secret secret{limits_.secret.first ^ key, limits_.secret.second};
        return hash(secret, text);
    }
    std::uint64_t mixed(std::uint64_t key, const Address& address, const Rule& rule) const {
        const Address network = address.masked(rule.v4_bits, rule.v6_bits);
        const std::uint64_t words[] = {network.is_v6 ? 6ULL : 4ULL, network.high, network.low};
        return mixed(key, {reinterpret_cast<const char*>(words), sizeof words});
    }

    // By the last step. What passed before it is as if it had never been.
    Verdict refuse(gantry::Exchange& exchange, Passage& passage, std::uint64_t now) const {
        const Passage::Step& last = passage.steps[passage.count - 1];
        const Rule& rule = *last.rule;
        passage.is_refused = true;
        for (std::uint32_t i = 0; i < passage.count; ++i) {
            Passage::Step& step = passage.steps[i];
            if (!step.decision.passes()) continue;
            table_->give_back(step.key, step.rule->policy);
            step.is_held = false;
        }
        const bool is_ban = is_banned(last.decision);
        (is_ban ? rule.counted->banned : rule.counted->refused).add();
        if (last.decision.kind == Decision::Kind::Ban) {
            write(exchange, last, "key banned", 0);
            table_->bans().add({last.key, rule.name, rule.place, key_text(exchange, rule),
                                std::string(exchange.client()), add(now, last.decision.wait)},
                               now);
        } else {
            tell(exchange, last, now, is_ban ? "request of a banned key refused" : "request refused");
        }
        return exchange.fail(is_ban ? rule.ban_status : rule.status);
    }

    // What the rule counts by, as an operator would write it.
    std::string key_text(const gantry::Exchange& exchange, const Rule& rule) const {
        constexpr std::size_t kLongest = 256;
        const auto part_text = [&](std::string_view text) {
            const auto address = parse_address(text);
            return address ? address->masked(rule.v4_bits, rule.v6_bits).text() : std::string(text);
        };
        if (rule.key.empty()) return part_text(exchange.client());
        std::string out;
        for (const Value part : rule.key) {
            if (!out.empty()) out += ", ";
            out += part_text(exchange.evaluate(part));
        }
        return out.substr(0, kLongest);
    }

    void tell(const gantry::Exchange& exchange, const Passage::Step& step, std::uint64_t now,
              const char* what) const {
        if (!limits_.host.wants(LogLevel::Warn)) return;
        const auto left_out = step.rule->counted->throttle.allow(now);
        if (left_out) write(exchange, step, what, *left_out);
    }
    void write(const gantry::Exchange& exchange, const Passage::Step& step, const char* what,
               std::uint64_t left_out) const {
        const Rule& rule = *step.rule;
        char buffer[64];
        std::string_view key;
        for (const Value part : rule.key) {
            if (key.empty()) key = exchange.evaluate(part);
        }
        key = shown(key, buffer, sizeof buffer);
        limits_.host.print(LogLevel::Warn,
                           "%s rule=%s place=%s client=%.*s key=\"%.*s\" wait=%llus left_out=%llu", what,
                           rule.name.c_str(), rule.place.c_str(), static_cast<int>(exchange.client().size()),
                           exchange.client().data(), static_cast<int>(key.size()), key.data(),
                           static_cast<unsigned long long>(whole_seconds(step.decision.wait)),
                           static_cast<unsigned long long>(left_out));
    }

    const Limits& limits_;
    std::shared_ptr<Table> table_;
    std::vector<Rule> rules_;
};

}  // namespace limit
