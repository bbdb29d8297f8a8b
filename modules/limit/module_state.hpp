// What all places of a generation share: the table, what is counted, and files of addresses.
#pragma once

#include "address_set.hpp"
#include "gantry/metrics.hpp"
#include "gantry/module.hpp"
#include "gantry/ticker.hpp"
#include "hash.hpp"
#include "log_throttle.hpp"
#include "module_control.hpp"
#include "module_keys.hpp"
#include "table.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace limit {

using gantry::LogLevel;
using gantry::Value;

constexpr std::uint64_t nanos(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

// What has been counted of one rule, and who waits for it: of all places where it holds.
struct Counted {
    gantry::Counter passed, delayed, refused, banned, dry_run, evicted, unknown;
    std::atomic<std::int64_t> waiting{0};
    LogThrottle throttle;
};

class Limits {
public:
    static constexpr Key keys[] = {
        Key::table("limit_table", kTableKeys)
            .in(gantry::kInServer)
            .short_for("capacity")
            .standard("100000")
            .example("{ capacity = 1000000, when_full = \"refuse\" }")
            .doc("The table in which the rules of \"limit\" count."),
        Key::timespan("limit_files_interval", std::chrono::milliseconds{100}, hours{24})
            .in(gantry::kInServer)
            .standard("\"5s\"")
            .example("\"1m\"")
            .doc("How often files of addresses are looked at; one that changed is read anew."),
    };

    static std::unique_ptr<Limits> prepare(gantry::Scope& top, Limits* old) {
        return std::make_unique<Limits>(top, old);
    }

    Limits(gantry::Scope& top, const Limits* old)
        : host(top.host()),
          secret(old != nullptr ? old->secret : Secret::random()),
          refuses_when_full(top.find("limit_table.when_full").text() == "refuse"),
          interval_(nanos(top.find("limit_files_interval").timespan())),
          capacity_(static_cast<std::size_t>(top.find("limit_table.capacity").integer())),
          requests_(gantry::Counters::declare(
              host, {.name = "requests",
                     .help = "Requests that rules of the module limit judged, by outcome: passed, delayed, "
                             "refused, banned, dry_run (would have been refused), evicted (another key was "
                             "forgotten for it), unknown (no room in the table, or no answer of the store).",
                     .labels = {"rule", "place", "outcome"},
                     .most_series = 10'000})),
          denied_(gantry::Counters::declare(
              host,
              {.name = "denied", .help = "Requests that lists of addresses refused.", .labels = {"place"}})),
          keys_(gantry::Gauges::declare(host, {.name = "keys", .help = "Keys in the table."})) {
        if (old == nullptr) return;
        old_files_ = old->files_;
        if (old->capacity_ == capacity_) table_ = old->table_;
    }

    void commit() {
        old_files_.clear();
        if (files_.empty() && table_ == nullptr) return;
        ticker_.start<&Limits::look>(host, std::chrono::nanoseconds{interval_}, *this);
    }

    void control(gantry::Routes<Limits>& routes) {
        routes.get("bans", &Limits::list_bans);
        routes.post("unban", &Limits::lift_bans);
    }

    std::uint64_t now() const { return host.timer()->monotonic(); }

    // Made with the first rule.
    const std::shared_ptr<Table>& table() {
        if (table_ == nullptr) table_ = std::make_shared<Table>(capacity_);
        if (!size_) size_ = keys_.series();
        return table_;
    }

    std::shared_ptr<Counted> counted(const std::string& place, const std::string& rule) {
        std::shared_ptr<Counted>& found = counted_[place + '\n' + rule];
        if (found != nullptr) return found;
        found = std::make_shared<Counted>();
        const auto series = [&](std::string_view outcome) {
            return requests_.series({rule, place, outcome});
        };
        found->passed = series("passed");
        found->delayed = series("delayed");
        found->refused = series("refused");
        found->banned = series("banned");
        found->dry_run = series("dry_run");
        found->evicted = series("evicted");
        found->unknown = series("unknown");
        return found;
    }
    gantry::Counter denied(std::string_view place) const { return denied_.series({place}); }

    // Read once for all places of a generation. One that was sound before serves as it was.
    std::shared_ptr<const ListFile> file(gantry::Scope& scope, Value path) {
        auto [place, is_new] = files_.try_emplace(std::string(path.text()));
        std::shared_ptr<ListFile>& file = place->second;
        if (is_new) {
            const auto before = old_files_.find(place->first);
            file = before != old_files_.end() ? before->second : std::make_shared<ListFile>(place->first);
            if (file->read() == ListFile::Look::Broken && file->is_sound()) tell_faults(*file);
        }
        if (file->is_sound()) return file;
        for (const std::string& fault : file->faults())
            scope.error("the list of addresses cannot be used: " + fault,
                        "one address or range in each line, comments behind #", path);
        return file;
    }

    const gantry::Host& host;
    const Secret secret;
    const bool refuses_when_full;

private:
    void list_bans(gantry::Call call) { limit::list_bans(call, table_.get(), now()); }
    void lift_bans(gantry::Call call) { limit::lift_bans(call, table_.get(), now()); }

    void look() {
        if (table_ != nullptr) size_.set(static_cast<std::int64_t>(table_->size()));
        for (const auto& [path, file] : files_) tell(*file, file->look());
    }
    void tell(const ListFile& file, ListFile::Look look) const {
        if (look == ListFile::Look::Replaced)
            host.print(LogLevel::Info, "list of addresses read file=%s entries=%zu", file.path().c_str(),
                       file.size());
        if (look == ListFile::Look::Broken) tell_faults(file);
    }
    void tell_faults(const ListFile& file) const {
        for (const std::string& fault : file.faults())
            host.write(LogLevel::Error, "list of addresses not read, the one before goes on: " + fault);
    }

    const std::uint64_t interval_;
    const std::size_t capacity_;
    gantry::Counters requests_;
    gantry::Counters denied_;
    gantry::Gauges keys_;
    gantry::Gauge size_;
    std::shared_ptr<Table> table_;
    std::map<std::string, std::shared_ptr<Counted>> counted_;
    using Files = std::map<std::string, std::shared_ptr<ListFile>>;  // by their paths
    Files files_;
    Files old_files_;  // of the generation before, while this one is loaded
    gantry::Ticker ticker_;
};

// "[server]", as no host can be called, "www.example.com", "www.example.com/api/".
inline std::string place_name(const gantry::Host& host, const gantry_scope_t* scope) {
    const gantry_conf_1_t* conf = host.conf();
    std::string name{gantry::view(conf->name(scope))};
    switch (conf->kind(scope)) {
        case gantry::kInLocation:
            return place_name(host, conf->parent(scope)) + name;
        case gantry::kInHost:
            return name;
        default:
            return "[server]";
    }
}

inline AddressSet address_set(gantry::Scope& scope, Limits& limits, Value ranges, Value files) {
    AddressSet set;
    for (std::uint32_t i = 0; i < ranges.count(); ++i) {
        const std::string text{ranges[i].text()};
        ParsedRange parsed = parse_range(text);
        if (parsed.range) {
            set.add(*parsed.range);
        } else {
            scope.error("\"" + text + "\" is no address and no range", parsed.fault, ranges[i]);
        }
    }
    set.seal();
    for (std::uint32_t i = 0; i < files.count(); ++i) set.add(limits.file(scope, files[i]));
    return set;
}

}  // namespace limit
