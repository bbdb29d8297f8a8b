// What all places of a generation share: what is remembered, who failed, files, what is counted.
#pragma once

#include "bytes.hpp"
#include "failures.hpp"
#include "fingerprint.hpp"
#include "flight.hpp"
#include "gantry/metrics.hpp"
#include "gantry/module.hpp"
#include "gantry/ticker.hpp"
#include "key_ring.hpp"
#include "key_set.hpp"
#include "log_throttle.hpp"
#include "memo.hpp"
#include "module_jwks.hpp"
#include "module_keys.hpp"
#include "outcome.hpp"
#include "users.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

using gantry::LogLevel;
using gantry::Scope;
using gantry::Value;

constexpr std::uint64_t nanos(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

// Lives over reloads, as long as the sizes stay what they are.
struct Remembered {
    Remembered(std::size_t most_proofs, std::size_t most_addresses)
        : proof_capacity(most_proofs),
          address_capacity(most_addresses),
          proved(most_proofs),
          failures(most_addresses) {}

    const std::size_t proof_capacity;
    const std::size_t address_capacity;
    Memo<bool> proved;  // passwords that fit a hash, keys that were there
    Flights<bool, gantry::Waker> proofs;
    Failures failures;
    std::atomic<std::int64_t> waiting{0};
};

// Files of one kind, each read once for all places of a generation.
template <class Content>
class Files {
public:
    using File = WatchedFile<Content>;

    Files(const char* what, typename File::Parse parse) : what_(what), parse_(parse) {}

    // One that was sound before serves as it was. [main] [loading]
    std::shared_ptr<File> get(Scope& scope, Value path, const char* remedy) {
        auto [place, is_new] = files_.try_emplace(std::string(path.text()));
        std::shared_ptr<File>& file = place->second;
        if (is_new) {
            const auto before = old_.find(place->first);
            file = before != old_.end() ? before->second : std::make_shared<File>(place->first, parse_);
            if (file->read() == File::Look::Broken && file->is_sound()) tell_faults(scope.host(), *file);
        }
        if (file->is_sound()) return file;
        for (const std::string& fault : file->faults())
            scope.error(std::string("the file of ") + what_ + " cannot be used: " + fault, remedy, path);
        return file;
    }

    void take_over(const Files& old) { old_ = old.files_; }
    void forget_old() { old_.clear(); }
    bool is_empty() const { return files_.empty(); }

    // [main]
    void look(const gantry::Host& host) const {
        for (const auto& [path, file] : files_) {
            const auto look = file->look();
            if (look == File::Look::Replaced)
                host.print(LogLevel::Info, "file of %s read file=%s", what_, path.c_str());
            if (look == File::Look::Broken) tell_faults(host, *file);
        }
    }

private:
    void tell_faults(const gantry::Host& host, const File& file) const {
        for (const std::string& fault : file.faults())
            host.write(LogLevel::Error,
                       std::string("file of ") + what_ + " not read, the one before goes on: " + fault);
    }

    const char* what_;
    const typename File::Parse parse_;
    std::map<std::string, std::shared_ptr<File>> files_;
    std::map<std::string, std::shared_ptr<File>> old_;  // of the generation before, while this one is loaded
};

// Requests judged by one scheme, by what became of them.
struct Counted {
    std::array<gantry::Counter, kReasons.size()> counters;
    void add(Reason reason) const { counters[static_cast<std::size_t>(reason)].add(); }
};

struct Demand;  // module_demand.hpp

class Auth {
public:
    static constexpr Key keys[] = {
        Key::table("auth_failures", kFailureKeys)
            .in(gantry::kInServer)
            .short_for("delay")
            .standard("\"500ms\"")
            .example("{ delay = \"1s\", most_delay = \"1m\" }")
            .doc(
                "How slow guessing passwords and keys is, for each address of a client (of IPv6: each /64)."),
        Key::table("auth_memory", kMemoryKeys)
            .in(gantry::kInServer)
            .short_for("ttl")
            .standard("\"5m\"")
            .example("{ ttl = \"1m\", capacity = 100000 }")
            .doc("Credentials that were right, as keyed hashes: they are not computed again for a while."),
        Key::timespan("auth_files_interval", milliseconds{100}, hours{24})
            .in(gantry::kInServer)
            .standard("\"5s\"")
            .example("\"1m\"")
            .doc("How often files of users, keys and key sets are looked at; one that changed is read anew."),
    };

    static std::unique_ptr<Auth> prepare(Scope& top, Auth* old) { return std::make_unique<Auth>(top, old); }

    Auth(Scope& top, const Auth* old);

    void commit() {
        users.forget_old();
        key_files.forget_old();
        key_set_files.forget_old();
        key_sets.forget_old();
        file_ticker_.start<&Auth::look_at_files>(host, std::chrono::nanoseconds{interval_}, *this);
        if (host.timer() == nullptr || key_sets.is_empty()) return;
        key_set_ticker_.start<&Auth::look_at_key_sets>(host, std::chrono::milliseconds{100}, *this);
        look_at_key_sets();
    }

    std::uint64_t now() const { return host.timer()->monotonic(); }
    const Counted& counted(const std::string& scheme);

    // The demand of a place, by its place_key(): made once for all locations below it; module.cpp makes them.
    std::shared_ptr<Demand>& demand(const std::string& key) { return demands_[key]; }

    // A field that tells upstreams who it is: clients may not. [main] [loading]
    void add_identity_field(Scope& scope, std::string_view name, Value value);
    // [any]
    const std::vector<std::string>& identity_fields() const { return identity_fields_; }

    const gantry::Host& host;
    const ProcessSecret secret;
    FailurePolicy failure_policy;
    std::int64_t most_waiting;
    std::uint64_t memory_ttl;
    std::shared_ptr<Remembered> remembered;
    Files<Users> users{"users", &parse_users};
    Files<KeyRing> key_files{"keys", &parse_keys};
    Files<KeySet> key_set_files{"key sets", &parse_key_set};
    RemoteKeySets key_sets;

private:
    void look_at_files() {
        users.look(host);
        key_files.look(host);
        key_set_files.look(host);
    }
    void look_at_key_sets() { key_sets.look(now()); }

    const std::uint64_t interval_;
    gantry::Counters requests_;
    std::map<std::string, Counted> counted_;
    std::map<std::string, std::shared_ptr<Demand>> demands_;
    std::vector<std::string> identity_fields_;
    gantry::Ticker file_ticker_;
    gantry::Ticker key_set_ticker_;
};

inline Auth::Auth(Scope& top, const Auth* old)
    : host(top.host()),
      secret(old != nullptr ? old->secret : ProcessSecret::random()),
      failure_policy{nanos(top.find("auth_failures.delay").timespan()),
                     nanos(top.find("auth_failures.most_delay").timespan()),
                     nanos(top.find("auth_failures.forget").timespan())},
      most_waiting(top.find("auth_failures.waiting").integer()),
      memory_ttl(nanos(top.find("auth_memory.ttl").timespan())),
      interval_(nanos(top.find("auth_files_interval").timespan())),
      requests_(gantry::Counters::declare(
          host, {.name = "requests",
                 .help = "Credentials that the module auth judged, by scheme (none: there was no credential) "
                         "and outcome: accepted, or why not.",
                 .labels = {"scheme", "outcome"}})) {
    const auto proofs = static_cast<std::size_t>(top.find("auth_memory.capacity").integer());
    const auto addresses = static_cast<std::size_t>(top.find("auth_failures.capacity").integer());
    if (old != nullptr && old->remembered->proof_capacity == proofs &&
        old->remembered->address_capacity == addresses)
        remembered = old->remembered;
    if (remembered == nullptr) remembered = std::make_shared<Remembered>(proofs, addresses);
    if (old != nullptr) {
        users.take_over(old->users);
        key_files.take_over(old->key_files);
        key_set_files.take_over(old->key_set_files);
        key_sets.take_over(old->key_sets);
    }
}

inline const Counted& Auth::counted(const std::string& scheme) {
    const auto [at, is_new] = counted_.try_emplace(scheme);
    if (is_new) {
        for (std::size_t i = 0; i < kReasons.size(); ++i)
            at->second.counters[i] = requests_.series({scheme, kReasons[i]});
    }
    return at->second;
}

inline void Auth::add_identity_field(Scope& scope, std::string_view name, Value value) {
    if (name.empty()) return;
    // What belongs to the message itself is nobody's name, and clients need it.
    for (const char* taken :
         {"Authorization", "Connection", "Content-Length", "Cookie", "Expect", "Host", "Keep-Alive",
          "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
        if (is_same_variable(name, taken) || !is_field_name(name)) {
            scope.error("\"" + std::string(name) + "\" is no field that can say who somebody is",
                        "for example: X-Auth-User", value);
            return;
        }
    }
    const bool is_known = std::any_of(identity_fields_.begin(), identity_fields_.end(),
                                      [&](const std::string& one) { return is_same_variable(one, name); });
    if (!is_known) identity_fields_.emplace_back(name);
}

// "server", "www.example.com", "www.example.com/api/".
inline std::string place_name(const gantry::Host& host, const gantry_scope_t* scope) {
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

// The same for programs: no two places have the same, whatever names they have.
inline std::string place_key(const gantry::Host& host, const gantry_scope_t* scope) {
    std::string key;
    for (; scope != nullptr; scope = host.conf()->parent(scope)) {
        const std::string_view name = gantry::view(host.conf()->name(scope));
        key.append(std::to_string(host.conf()->kind(scope))).append(name).push_back('\0');
    }
    return key;
}

inline std::vector<std::string> texts_of(Value list) {
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; i < list.count(); ++i) texts.emplace_back(list[i].text());
    return texts;
}

}  // namespace auth
