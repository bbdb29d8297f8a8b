// limit: request rates, requests at the same time, bans, and lists of addresses.
#include "gantry/module.hpp"

#include "address_set.hpp"
#include "fields.hpp"
#include "gantry/metrics.hpp"
#include "hash.hpp"
#include "log_throttle.hpp"
#include "table.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using gantry::Key;
using gantry::LogLevel;
using gantry::Value;
using gantry::Verdict;
using limit::Decision;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- keys

constexpr const char* const kWhenFull[] = {"pass", "refuse", nullptr};

constexpr Key kBanKeys[] = {
    Key::integer("after", 1, 1'000'000).required().example("20").doc("Refusals that are too many."),
    Key::timespan("within", seconds{1}, hours{24})
        .example("\"1m\"")
        .doc("The time in which they count; one minute where nothing is said."),
    Key::timespan("lasts", seconds{1}, hours{24 * 30})
        .example("\"10m\"")
        .doc("How long the key is banned; ten minutes where nothing is said."),
    Key::integer("status", 400, 599)
        .example("429")
        .doc("What is answered meanwhile; 403 where nothing is said."),
};

constexpr Key kRuleKeys[] = {
    Key::text("rate").example("\"10/s\"").doc("Requests in a time that pass: 10/s, 600/m, 1000/h, 20/10s."),
    Key::integer("burst", 0, 1'000'000)
        .example("20")
        .doc("Requests that may come early, beyond the rate; none where nothing is said."),
    Key::boolean("delay").example("true").doc(
        "Requests that come early wait for their turn at the rate, instead of passing at once."),
    Key::integer("queue", 1, 1'000'000)
        .example("100")
        .doc("Requests of this rule that may wait at the same time; 1000 where nothing is said."),
    Key::integer("concurrency", 1, 1'000'000)
        .example("8")
        .doc("Requests at the same time, each until its response is sent."),
    Key::pattern("key")
        .list()
        .example("[\"${remote_addr}\", \"${header.X-Api-Key}\"]")
        .doc("Who is counted: what these texts come to. The address of the client where nothing is said; "
             "where all come to nothing, the request is not counted."),
    Key::integer("cost", 1, 1'000'000)
        .example("10")
        .doc("What a request counts for at the rate; 1 where nothing is said."),
    Key::integer("status", 400, 599)
        .example("503")
        .doc("What is answered to those that do not pass; 429 where nothing is said."),
    Key::boolean("fields").example("false").doc(
        "Responses tell the client what is left, by RateLimit and RateLimit-Policy, unless it is false."),
    Key::boolean("dry_run").example("true").doc("Counts and logs, and refuses nothing."),
    Key::boolean("enabled").example("false").doc("False: this rule does not hold here."),
    Key::integer("ipv4_prefix", 8, 32)
        .example("24")
        .doc("Bits of an IPv4 address that count in a key; all of them where nothing is said."),
    Key::integer("ipv6_prefix", 16, 128)
        .example("56")
        .doc("Bits of an IPv6 address that count in a key; 64 where nothing is said, as one client has all "
             "addresses of such a network."),
    Key::text("except")
        .list()
        .example("[\"10.0.0.0/8\", \"2001:db8::/32\"]")
        .doc("Addresses of clients that the rule does not mean."),
    Key::path("except_files")
        .list()
        .example("\"lists/monitors.txt\"")
        .doc("The same, of files: one address or range in each line."),
    Key::table("ban", kBanKeys)
        .short_for("after")
        .example("{ after = 20, within = \"1m\", lasts = \"1h\" }")
        .doc("A key that is refused too often is shut out for a while."),
};

constexpr Key kTableKeys[] = {
    Key::integer("capacity", limit::Table::kLeast, limit::Table::kMost)
        .standard("100000")
        .example("1000000")
        .doc("Keys of all rules together; 64 bytes each."),
    Key::choice("when_full", kWhenFull)
        .standard("\"pass\"")
        .example("\"refuse\"")
        .doc("What becomes of requests with a new key while all others are in use."),
};

constexpr Key kAddressKeys[] = {
    Key::text("allow")
        .list()
        .example("[\"10.0.0.0/8\"]")
        .doc("Addresses that may come; all where nothing is said."),
    Key::path("allow_files").list().example("\"lists/office.txt\"").doc("The same, of files."),
    Key::text("deny")
        .list()
        .example("[\"192.0.2.7\"]")
        .doc("Addresses that may not come, whatever is allowed."),
    Key::path("deny_files").list().example("[\"lists/drop.txt\"]").doc("The same, of files."),
    Key::integer("status", 400, 599)
        .example("404")
        .doc("What is answered to them; 403 where nothing is said."),
};

// ---- what all places share

constexpr std::uint64_t nanos(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

// What has been counted of one rule, and who waits for it: of all places where it holds.
struct Counted {
    gantry::Counter passed, delayed, refused, banned, dry_run, evicted, unknown;
    std::atomic<std::int64_t> waiting{0};
    limit::LogThrottle throttle;
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
        Key::timespan("limit_files_interval", milliseconds{100}, hours{24})
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
          secret(old != nullptr ? old->secret : limit::Secret::random()),
          refuses_when_full(top.find("limit_table.when_full").text() == "refuse"),
          interval_(nanos(top.find("limit_files_interval").timespan())),
          capacity_(static_cast<std::size_t>(top.find("limit_table.capacity").integer())),
          requests_(gantry::Counters::declare(
              host, {.name = "requests",
                     .help = "Requests that rules of the module limit judged, by outcome: passed, delayed, "
                             "refused, banned, dry_run (would have been refused), evicted (another key was "
                             "forgotten for it), unknown (the table was full).",
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
    ~Limits() {
        if (timer_ != 0) host.timer()->cancel(host.raw(), timer_);
    }
    Limits(const Limits&) = delete;
    Limits& operator=(const Limits&) = delete;

    void commit() {
        old_files_.clear();
        if (host.timer() == nullptr || (files_.empty() && table_ == nullptr)) return;
        host.timer()->every(host.raw(), interval_, this, &tick, &timer_);
    }

    std::uint64_t now() const { return host.timer()->monotonic(); }

    // Made with the first rule.
    const std::shared_ptr<limit::Table>& table() {
        if (table_ == nullptr) table_ = std::make_shared<limit::Table>(capacity_);
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
    std::shared_ptr<const limit::ListFile> file(gantry::Scope& scope, Value path) {
        auto [place, is_new] = files_.try_emplace(std::string(path.text()));
        std::shared_ptr<limit::ListFile>& file = place->second;
        if (is_new) {
            const auto before = old_files_.find(place->first);
            file =
                before != old_files_.end() ? before->second : std::make_shared<limit::ListFile>(place->first);
            if (file->read() == limit::ListFile::Look::Broken && file->is_sound()) tell_faults(*file);
        }
        if (file->is_sound()) return file;
        for (const std::string& fault : file->faults())
            scope.error("the list of addresses cannot be used: " + fault,
                        "one address or range in each line, comments behind #", path);
        return file;
    }

    const gantry::Host& host;
    const limit::Secret secret;
    const bool refuses_when_full;

private:
    static void tick(void* state) noexcept { static_cast<Limits*>(state)->look(); }

    void look() noexcept {
        gantry::detail::guarded(host, "a look at lists of addresses", false, [&] {
            if (table_ != nullptr) size_.set(static_cast<std::int64_t>(table_->size()));
            for (const auto& [path, file] : files_) tell(*file, file->look());
            return true;
        });
    }
    void tell(const limit::ListFile& file, limit::ListFile::Look look) const {
        if (look == limit::ListFile::Look::Replaced)
            host.print(LogLevel::Info, "list of addresses read file=%s entries=%zu", file.path().c_str(),
                       file.size());
        if (look == limit::ListFile::Look::Broken) tell_faults(file);
    }
    void tell_faults(const limit::ListFile& file) const {
        for (const std::string& fault : file.faults())
            host.write(LogLevel::Error, "list of addresses not read, the one before goes on: " + fault);
    }

    const std::uint64_t interval_;
    const std::size_t capacity_;
    gantry::Counters requests_;
    gantry::Counters denied_;
    gantry::Gauges keys_;
    gantry::Gauge size_;
    std::shared_ptr<limit::Table> table_;
    std::map<std::string, std::shared_ptr<Counted>> counted_;
    using Files = std::map<std::string, std::shared_ptr<limit::ListFile>>;  // by their paths
    Files files_;
    Files old_files_;  // of the generation before, while this one is loaded
    std::uint64_t timer_ = 0;
};

// "server", "www.example.com", "www.example.com/api/".
std::string place_name(const gantry::Host& host, const gantry_scope_t* scope) {
    const gantry_conf_1_t* conf = host.conf();
    std::string name{gantry::view(conf->name(scope))};
    switch (conf->kind(scope)) {
        case gantry::kInLocation:
            return place_name(host, conf->parent(scope)) + name;
        case gantry::kInHost:
            return name;
        default:
            return "server";
    }
}

limit::AddressSet address_set(gantry::Scope& scope, Limits& limits, Value ranges, Value files) {
    limit::AddressSet set;
    for (std::uint32_t i = 0; i < ranges.count(); ++i) {
        const std::string text{ranges[i].text()};
        limit::ParsedRange parsed = limit::parse_range(text);
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

// ---- rules

// A rule in one location.
struct Rule {
    std::string name;
    std::string place;       // where its rate stands: all places below count together
    std::vector<Value> key;  // empty: the address of the client
    limit::Policy policy;
    limit::AddressSet except;
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
};

// Reads a rule as it holds in a location: each member from the nearest place that has it.
class RuleReader {
public:
    RuleReader(gantry::Scope& scope, Limits& limits, std::string_view name)
        : scope_(scope), limits_(limits), name_(name), path_("limit." + name_) {}

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
            rule.policy_item = limit::policy_item(rule.name, rule.policy.concurrency);
            return rule.policy.concurrency != 0;
        }
        const limit::ParsedRate parsed = limit::parse_rate(text.text());
        if (!parsed.rate) {
            refuse("\"" + std::string(text.text()) + "\" is no rate", parsed.fault, text);
            return false;
        }
        constexpr std::uint64_t kMostTolerance = 10 * 366 * 86400 * limit::kSecond;
        rule.policy.gcra = limit::Gcra::of(*parsed.rate, burst);
        rule.policy_item = limit::policy_item(rule.name, *parsed.rate, burst);
        if (rule.policy.gcra.tolerance > kMostTolerance)
            refuse("at that rate such a burst takes more than ten years", "write a smaller burst",
                   find("burst"));
        if (rule.policy.cost > burst + 1)
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
        rule.identity = limit::hash(limits_.secret, text);
    }

    gantry::Scope& scope_;
    Limits& limits_;
    const std::string name_;
    const std::string path_;
};

constexpr std::size_t kMostRules = 16;  // in one location

// Names of the rules that hold in a location, those of [server] first.
std::vector<std::string> rule_names(gantry::Scope& scope) {
    std::vector<std::string> names;
    for (const Value rules :
         {scope.find_own_of_server("limit"), scope.find_own_of_host("limit"), scope.find_own("limit")}) {
        for (std::uint32_t i = 0; i < rules.count(); ++i) {
            const std::string name{rules.name_at(i)};
            if (!limit::is_name(name)) {
                scope.error("\"" + name + "\" is no name of a limit",
                            "it is made of letters, digits, _ and -", rules[i]);
            } else if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        }
    }
    return names;
}

// ---- one request on its way

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

class Limiter {
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

    static std::unique_ptr<Limiter> create(gantry::Scope& scope, Limits& limits) {
        auto made = std::make_unique<Limiter>(limits);
        const std::vector<std::string> names = rule_names(scope);
        for (const std::string& rule_name : names) {
            Rule rule;
            if (RuleReader{scope, limits, rule_name}.read(rule)) made->rules_.push_back(std::move(rule));
        }
        if (made->rules_.size() > kMostRules) {
            scope.error("more than 16 limits hold here", "take some out, or switch them off: enabled = false",
                        scope.find("limit"));
        }
        if (made->rules_.empty()) return nullptr;
        made->table_ = limits.table();
        return made;
    }

    explicit Limiter(const Limits& limits) : limits_(limits) {}

    Verdict preaccess(gantry::Exchange& exchange) const {
        const gantry_http_1_t* http = limits_.host.http();
        auto* steps = static_cast<Passage::Step*>(
            http->allocate(exchange.raw(), rules_.size() * sizeof(Passage::Step)));
        auto* passage = exchange.make<Passage>(Passage{steps, 0, false, nullptr});
        if (steps == nullptr || passage == nullptr || exchange.set_note(&kNote, passage) != GANTRY_OK) {
            limits_.host.write(LogLevel::Error, "not limited: an exchange has no room for a note");
            return Verdict::Next;
        }
        const auto client = limit::parse_address(exchange.client());
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

    void head(gantry::Exchange& exchange) const {
        const auto* passage = static_cast<const Passage*>(exchange.note(&kNote));
        if (passage == nullptr) return;
        const gantry::Fields fields = exchange.response().fields();
        std::uint64_t wait = 0;
        for (std::uint32_t i = 0; i < passage->count; ++i) {
            const Passage::Step& step = passage->steps[i];
            if (step.rule->is_dry || step.decision.kind == Decision::Kind::Full) continue;
            if (!step.decision.passes()) wait = std::max(wait, step.decision.wait);
            if (!step.rule->has_fields || is_banned(step.decision)) continue;
            char item[160];
            const std::size_t size = limit::write_item(item, sizeof item, step.rule->name, step.decision);
            if (size == 0) continue;
            fields.add("RateLimit-Policy", step.rule->policy_item);
            fields.add("RateLimit", {item, size});
        }
        if (passage->is_refused && exchange.response().status() != 403) {
            char text[24];
            const int size = std::snprintf(text, sizeof text, "%llu",
                                           static_cast<unsigned long long>(limit::retry_after(wait)));
            fields.set("Retry-After", {text, static_cast<std::size_t>(size)});
        }
    }

    void log(gantry::Exchange& exchange) const {
        auto* passage = static_cast<Passage*>(exchange.note(&kNote));
        if (passage == nullptr) return;
        for (std::uint32_t i = 0; i < passage->count; ++i) {
            Passage::Step& step = passage->steps[i];
            if (std::exchange(step.is_held, false)) table_->release(step.key);
        }
    }

private:
    static constexpr char kNote = 0;  // its address
    static constexpr std::size_t kShown = 64;

    static bool is_banned(const Decision& decision) {
        return decision.kind == Decision::Kind::Ban || decision.kind == Decision::Kind::Banned;
    }

    // False: there is nothing to count by.
    bool key_of(const gantry::Exchange& exchange, const Rule& rule,
                const std::optional<limit::Address>& client, std::uint64_t& key) const {
        key = rule.identity;
        if (rule.key.empty()) {
            key = client ? mixed(key, *client, rule) : mixed(key, exchange.client());
            return true;
        }
        bool is_there = false;
        for (const Value part : rule.key) {
            const std::string_view text = exchange.evaluate(part);
            is_there = is_there || !text.empty();
            const auto address = limit::parse_address(text);
            key = address ? mixed(key, *address, rule) : mixed(key, text);
        }
        return is_there;
    }
    std::uint64_t mixed(std::uint64_t key, std::string_view text) const {
        const limit::Secret secret{limits_.secret.first ^ key, limits_.secret.second};
        return limit::hash(secret, text);
    }
    std::uint64_t mixed(std::uint64_t key, const limit::Address& address, const Rule& rule) const {
        const limit::Address network = address.masked(rule.v4_bits, rule.v6_bits);
        const std::uint64_t words[] = {network.is_v6 ? 6ULL : 4ULL, network.high, network.low};
        return mixed(key, {reinterpret_cast<const char*>(words), sizeof words});
    }

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
        } else {
            tell(exchange, last, now, is_ban ? "request of a banned key refused" : "request refused");
        }
        return exchange.fail(is_ban ? rule.ban_status : rule.status);
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

    void tell(const gantry::Exchange& exchange, const Passage::Step& step, std::uint64_t now,
              const char* what) const {
        if (!limits_.host.wants(LogLevel::Warn)) return;
        const auto left_out = step.rule->counted->throttle.allow(now);
        if (left_out) write(exchange, step, what, *left_out);
    }
    void write(const gantry::Exchange& exchange, const Passage::Step& step, const char* what,
               std::uint64_t left_out) const {
        const Rule& rule = *step.rule;
        char buffer[kShown];
        std::string_view key;
        for (const Value part : rule.key) {
            if (key.empty()) key = exchange.evaluate(part);
        }
        key = limit::shown(key, buffer, sizeof buffer);
        limits_.host.print(LogLevel::Warn,
                           "%s rule=%s place=%s client=%.*s key=\"%.*s\" wait=%llus left_out=%llu", what,
                           rule.name.c_str(), rule.place.c_str(), static_cast<int>(exchange.client().size()),
                           exchange.client().data(), static_cast<int>(key.size()), key.data(),
                           static_cast<unsigned long long>(limit::whole_seconds(step.decision.wait)),
                           static_cast<unsigned long long>(left_out));
    }

    const Limits& limits_;
    std::shared_ptr<limit::Table> table_;
    std::vector<Rule> rules_;
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
        const auto client = limit::parse_address(exchange.client());
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
    limit::AddressSet allowed_;
    limit::AddressSet denied_;
    bool allows_all_ = true;
    int status_ = 403;
    std::string place_;
    gantry::Counter count_;
    mutable limit::LogThrottle throttle_;
};

}  // namespace

GANTRY_MODULE("limit", "1.0.0", "Request rates, requests at the same time, bans, and lists of addresses.",
              gantry::State<Limits>, gantry::Preaccess<Gate>, gantry::Preaccess<Limiter>,
              gantry::HeaderFilter<Limiter>, gantry::Logger<Limiter>);
