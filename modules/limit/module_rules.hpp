// Rules as they hold in one location, read from all the places around it.
#pragma once

#include "fields.hpp"
#include "gantry/module.hpp"
#include "module_state.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limit {

// A rule in one location.
struct Rule {
    std::string name;
    std::string place;       // where its rate stands: all places below count together
    std::vector<Value> key;  // empty: the address of the client
    Policy policy;
    AddressSet except;
    std::string policy_item;
    std::uint64_t identity = 0;
    std::int64_t queue = 1000;
    int v4_bits = 32;
    int v6_bits = 64;
    int status = 429;
    int ban_status = 403;
    bool delays = false;
    bool is_dry = false;
    bool has_fields = true;
    std::shared_ptr<Counted> counted;
    // Of a shared one, which has the policy of a gate here.
    std::string store_name;
    std::uint64_t window = 0;
    std::uint64_t most = 0;
    bool refuses_without_store = false;
};

// Reads a rule as it holds in a location: each member from the nearest place that has it.
class RuleReader {
public:
    RuleReader(gantry::Scope& scope, Limits& limits, std::string_view name)
        : scope_(scope), limits_(limits), name_(name), path_("limit." + name_) {}

    bool is_shared() const { return find("shared").boolean(); }

    // False: it does not hold here, or scope knows why not.
    bool read(Rule& rule) {
        if (const Value enabled = find("enabled"); enabled && !enabled.boolean()) return false;
        rule.name = name_;
        rule.policy.cost = static_cast<std::uint64_t>(number("cost", 1));
        rule.policy.concurrency = static_cast<std::uint32_t>(number("concurrency", 0));
        rule.queue = number("queue", 1000);
        rule.v4_bits = static_cast<int>(number("ipv4_prefix", 32));
        rule.v6_bits = static_cast<int>(number("ipv6_prefix", 64));
        rule.status = static_cast<int>(number("status", 429));
        rule.delays = find("delay").boolean();
        rule.is_dry = find("dry_run").boolean();
        rule.has_fields = !find("fields") || find("fields").boolean();
        rule.except = address_set(scope_, limits_, find("except"), find("except_files"));
        read_ban(rule);
        if (!read_rate(rule)) return false;
        read_identity(rule);
        if (is_shared()) share(rule);
        rule.counted = limits_.counted(rule.place, rule.name);
        return !scope_.has_failed();
    }

private:
    Value find(const char* member) const { return scope_.find_nearest(path_ + "." + member); }
    std::int64_t number(const char* member, std::int64_t standard) const {
        const Value value = find(member);
        return value ? value.integer() : standard;
    }
    void refuse(const std::string& message, const std::string& hint, Value at) const {
        scope_.error("limit \"" + name_ + "\": " + message, hint, at ? at : scope_.find_nearest(path_));
    }

    bool read_rate(Rule& rule) const {
        const Value text = find("rate");
        const auto burst = static_cast<std::uint64_t>(number("burst", 0));
        if (!text) {
            if (rule.policy.concurrency == 0)
                refuse("it has neither a rate nor a concurrency", "for example: rate = \"10/s\"", {});
            else if (find("burst") || rule.delays)
                refuse("without a rate nothing comes early", "for example: rate = \"10/s\"",
                       find(rule.delays ? "delay" : "burst"));
            rule.policy_item = policy_item(rule.name, rule.policy.concurrency);
            return rule.policy.concurrency != 0;
        }
        const ParsedRate parsed = parse_rate(text.text());
        if (!parsed.rate) {
            refuse("\"" + std::string(text.text()) + "\" is no rate", parsed.fault, text);
            return false;
        }
        constexpr std::uint64_t kMostTolerance = 10 * 366 * 86400 * kSecond;
        rule.policy.gcra = Gcra::of(*parsed.rate, burst);
        rule.policy_item = policy_item(rule.name, *parsed.rate, burst);
        if (rule.policy.gcra.tolerance > kMostTolerance)
            refuse("at that rate such a burst takes more than ten years", "write a smaller burst",
                   find("burst"));
        if (!is_shared() && rule.policy.cost > burst + 1)
            refuse("a request that costs more than the burst and one never passes",
                   "write burst = " + std::to_string(rule.policy.cost - 1) + ", or more", find("cost"));
        if (rule.delays && burst == 0)
            refuse("without a burst nothing may come early and wait", "for example: burst = 20",
                   find("delay"));
        return true;
    }

    void read_ban(Rule& rule) const {
        const Value ban = find("ban");
        if (!ban) return;
        const auto time = [&](const char* member, std::chrono::nanoseconds standard) {
            const Value value = ban.member(member);
            return nanos(value ? value.timespan() : standard);
        };
        rule.policy.ban = {static_cast<std::uint32_t>(ban.member("after").integer()),
                           time("within", std::chrono::minutes{1}), time("lasts", std::chrono::minutes{10})};
        if (const Value status = ban.member("status")) rule.ban_status = static_cast<int>(status.integer());
        if (rule.is_dry) rule.policy.ban.after = 0;
    }

    // What the store counts is not counted here, but for what it said no to.
    void share(Rule& rule) const {
        if (rule.policy.gcra.interval == 0)
            refuse("what is shared is a rate", "for example: rate = \"10/s\"", find("shared"));
        for (const char* member : {"delay", "concurrency"}) {
            if (const Value value = find(member); value && (value.boolean() || value.integer() > 0))
                refuse("of a shared rule there is no " + std::string(member),
                       "have another rule for it, which is not shared", value);
        }
        const ParsedRate rate = parse_rate(find("rate").text());
        if (!rate.rate) return;
        rule.window = rate.rate->period;
        rule.most = rate.rate->count + static_cast<std::uint64_t>(number("burst", 0));
        rule.policy_item = policy_item(rule.name, {rule.most, rule.window}, 0);
        if (rule.policy.cost > rule.most)
            refuse("a request that costs more than the rate and the burst never passes",
                   "write a smaller cost", find("cost"));
        rule.refuses_without_store = find("store_failure").text() == "refuse";
        rule.policy.gcra = Table::kGate;
    }

    // The same place, key and rate are the same rule after a reload, and go on counting where they were.
    void read_identity(Rule& rule) const {
        const std::string decisive = path_ + (rule.policy.gcra.interval != 0 ? ".rate" : ".concurrency");
        const gantry_conf_1_t* conf = limits_.host.conf();
        const gantry_scope_t* owner = scope_.raw();
        while (owner != nullptr && conf->find_own(owner, gantry::bytes(decisive)) == nullptr)
            owner = conf->parent(owner);
        rule.place = place_name(limits_.host, owner != nullptr ? owner : scope_.raw());
        std::string text = rule.place + '\0' + rule.name + '\0' + std::to_string(rule.policy.gcra.interval);
        const Value key = find("key");
        for (std::uint32_t i = 0; i < key.count(); ++i) {
            rule.key.push_back(key[i]);
            text += '\0';
            text += key[i].text();
        }
        rule.identity = hash(limits_.secret, text);
        rule.store_name = std::move(text);
    }

    gantry::Scope& scope_;
    Limits& limits_;
    const std::string name_;
    const std::string path_;
};

inline constexpr std::size_t kMostRules = 16;  // in one location

// Names of the rules that hold in a location, those of [server] first.
inline std::vector<std::string> rule_names(gantry::Scope& scope) {
    std::vector<std::string> names;
    for (const Value rules :
         {scope.find_own_of_server("limit"), scope.find_own_of_host("limit"), scope.find_own("limit")}) {
        for (std::uint32_t i = 0; i < rules.count(); ++i) {
            const std::string name{rules.name_at(i)};
            if (!is_name(name)) {
                scope.error("\"" + name + "\" is no name of a limit",
                            "it is made of letters, digits, _ and -", rules[i]);
            } else if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        }
    }
    return names;
}

}  // namespace limit
