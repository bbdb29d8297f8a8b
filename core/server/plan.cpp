#include "core/server/plan.hpp"

#include "core/server/bound_listener.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace gantry::server {
namespace {

using conf::DumpedTable;
using Kind = DumpedTable::Kind;
using What = Change::What;

constexpr std::size_t kShownAlike = 3;

// ---- comparing

using Key = std::tuple<Kind, std::string_view, std::string_view>;

Key key_of(const DumpedTable& table) {
    return {table.kind, table.host, table.name};
}

std::string_view value_of(const DumpedTable& table, std::string_view name) {
    for (const auto& [key, value] : table.values) {
        if (key == name) return value;
    }
    return "default";
}

std::vector<std::string> differences(const DumpedTable& old, const DumpedTable& next) {
    std::vector<std::string> out;
    if (old.values == next.values && old.secrets == next.secrets) return out;
    for (const auto& [name, value] : next.values) {
        const std::string_view before = value_of(old, name);
        if (before != value) out.push_back(fmt::format("{}: {} -> {}", name, before, value));
    }
    for (const auto& [name, secret] : next.secrets) {
        const auto before = std::find_if(old.secrets.begin(), old.secrets.end(),
                                         [&](const auto& each) { return each.first == name; });
        const bool is_seen = value_of(old, name) != value_of(next, name);
        if (!is_seen && before != old.secrets.end() && before->second != secret)
            out.push_back(fmt::format("{}: another secret", name));
    }
    for (const auto& [name, value] : old.values) {
        if (value_of(next, name) == "default") out.push_back(fmt::format("{}: {} -> default", name, value));
    }
    return out;
}

std::string place_of(const conf::Settings& settings, const conf::Place& place) {
    if (place.line == 0 || place.file >= settings.files.size()) return {};
    return fmt::format("{}:{}", settings.files[place.file], place.line);
}

class Comparison {
public:
    Comparison(const conf::Settings& old, const conf::Settings& next) : old_(old), next_(next) {}

    std::vector<Change> run() {
        const auto before = conf::dump_tables(old_);
        const auto after = conf::dump_tables(next_);
        index(old_, owners_before_);
        index(next_, owners_after_);
        for (const conf::Host& host : old_.hosts) known_hosts_.emplace(host.name, &host);
        std::map<Key, const DumpedTable*> left;
        for (const DumpedTable& table : before) left.emplace(key_of(table), &table);
        for (const DumpedTable& table : after) {
            const auto found = left.find(key_of(table));
            if (found != left.end()) {
                compare(*found->second, table);
                left.erase(found);
            } else if (table.kind != Kind::Location || known_hosts_.contains(table.host)) {
                add(What::Added, table, next_);
            }
        }
        for (const DumpedTable& table : before) {
            if (left.contains(key_of(table)) && !has_lost_host(table, left)) add(What::Removed, table, old_);
        }
        compare_order();
        compare_modules();
        std::stable_sort(out_.begin(), out_.end(), [](const Change& a, const Change& b) {
            return std::min(a.kind, Kind::Host) < std::min(b.kind, Kind::Host);
        });
        return std::move(out_);
    }

private:
    // Which listener has an address.
    using Owners = std::map<std::string, std::string>;

    static void index(const conf::Settings& settings, Owners& owners) {
        for (const conf::Listener& listener : settings.listeners) {
            for (const conf::Address& address : listener.addresses)
                owners[address_key(address)] = listener.name;
        }
    }

    // The locations of a host that is gone are gone with it, as those of a new one are new: that goes without
    // saying.
    static bool has_lost_host(const DumpedTable& table, const std::map<Key, const DumpedTable*>& left) {
        return table.kind == Kind::Location && left.contains({Kind::Host, {}, table.host});
    }

    Change& add(What what, const DumpedTable& table, const conf::Settings& settings) {
        out_.push_back({what,
                        table.kind,
                        std::string(table.name),
                        std::string(table.host),
                        place_of(settings, table.place),
                        {},
                        {}});
        if (table.kind == Kind::Listener) add_listener_effects(out_.back());
        return out_.back();
    }

    void compare(const DumpedTable& old, const DumpedTable& next) {
        auto details = differences(old, next);
        if (details.empty()) return;
        Change& change = add(What::Changed, next, next_);
        change.details = std::move(details);
        if (next.kind == Kind::Server) add_server_effects(change);
        if (next.kind == Kind::Listener) add_changed_listener_effects(change);
    }

    static bool names(const Change& change, std::string_view value) {
        return std::any_of(change.details.begin(), change.details.end(),
                           [&](const std::string& detail) { return detail.starts_with(value); });
    }

    static void add_server_effects(Change& change) {
        for (const std::string_view name : {"workers", "blocking_threads", "recent_requests"}) {
            if (names(change, fmt::format("{}:", name)))
                change.effects.push_back(fmt::format("{} takes effect with the next start", name));
        }
    }

    void add_listener_effects(Change& change) const {
        for (const auto& [key, owner] : owners_after_) {
            if (owner != change.name) continue;
            const auto before = owners_before_.find(key);
            if (before == owners_before_.end()) {
                change.effects.push_back("opens " + key);
            } else if (before->second != change.name) {
                change.effects.push_back(fmt::format(
                    "reopens {}, which was listener {}'s: clients that wait there to be accepted are turned "
                    "away",
                    key, before->second));
            }
        }
        for (const auto& [key, owner] : owners_before_) {
            if (owner == change.name && !owners_after_.contains(key))
                change.effects.push_back("closes " + key);
        }
        if (change.what == What::Removed)
            change.effects.push_back("its connections end after the response they are at");
    }

    static void add_changed_listener_effects(Change& change) {
        if (names(change, "tls: true -> default")) {
            change.effects.push_back("connections from now on are plain; those with TLS go on");
        } else if (names(change, "tls: default")) {
            change.effects.push_back("connections from now on need TLS; plain ones go on");
        } else if (names(change, "tls.")) {
            change.effects.push_back("handshakes from now on; open connections go on as they are");
        }
        for (const std::string_view name : {"backlog", "unix_mode"}) {
            if (names(change, fmt::format("{}:", name))) {
                change.effects.push_back(fmt::format("{} takes effect when an address is opened anew", name));
            }
        }
    }

    // Where patterns are equal or expressions, the first location in the file wins.
    void compare_order() {
        for (const conf::Host& host : next_.hosts) {
            const auto found = known_hosts_.find(host.name);
            if (found == known_hosts_.end() || is_order_same(*found->second, host)) continue;
            change_of_host(host).details.emplace_back("the order of its locations");
        }
    }

    static bool is_order_same(const conf::Host& old, const conf::Host& next) {
        std::map<std::string_view, std::size_t> places;
        for (const conf::Location& location : old.locations) places.emplace(location.name, places.size());
        std::size_t last = 0;
        for (const conf::Location& location : next.locations) {
            const auto place = places.find(location.name);
            if (place == places.end()) continue;
            if (place->second < last) return false;
            last = place->second;
        }
        return true;
    }

    Change& change_of_host(const conf::Host& host) {
        for (Change& change : out_) {
            if (change.kind == Kind::Host && change.name == host.name) return change;
        }
        out_.push_back({What::Changed, Kind::Host, host.name, {}, place_of(next_, host.place), {}, {}});
        return out_.back();
    }

    void compare_modules() {
        if (old_.modules == next_.modules) return;
        Change change;
        for (const std::string& name : next_.modules) {
            if (std::find(old_.modules.begin(), old_.modules.end(), name) == old_.modules.end())
                change.details.push_back("modules: with " + name);
        }
        for (const std::string& name : old_.modules) {
            if (std::find(next_.modules.begin(), next_.modules.end(), name) == next_.modules.end())
                change.details.push_back("modules: without " + name);
        }
        if (change.details.empty()) change.details.emplace_back("modules: the order");
        out_.push_back(std::move(change));
    }

    const conf::Settings& old_;
    const conf::Settings& next_;
    std::map<std::string_view, const conf::Host*> known_hosts_;  // of the old configuration
    Owners owners_before_;
    Owners owners_after_;
    std::vector<Change> out_;
};

// ---- showing

std::string_view sign_of(What what) {
    switch (what) {
        case What::Added:
            return "+";
        case What::Removed:
            return "-";
        case What::Changed:
            break;
    }
    return "~";
}

void render(const Change& change, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{} {}", sign_of(change.what), subject_of(change));
    if (!change.place.empty()) {
        fmt::format_to(std::back_inserter(out), " ({}{})", change.what == What::Removed ? "was " : "",
                       change.place);
    }
    out += '\n';
    for (const std::string& detail : change.details) out.append("    ").append(detail).append("\n");
    for (const std::string& effect : change.effects) out.append("    = ").append(effect).append("\n");
}

}  // namespace

std::vector<Change> changes(const conf::Settings& old, const conf::Settings& next) {
    return Comparison(old, next).run();
}

std::string subject_of(const Change& change) {
    switch (change.kind) {
        case Kind::Server:
            return "[server]";
        case Kind::Log:
            return "[log]";
        case Kind::Store:
            return "[store]";
        case Kind::Listener:
            return "listener " + change.name;
        case Kind::Upstream:
            return "upstream " + change.name;
        case Kind::Host:
            return "host " + change.name;
        case Kind::Location:
            break;
    }
    return fmt::format("location {} of host {}", change.name, change.host);
}

std::string render_changes(const std::vector<Change>& changes) {
    // Of each way to be different, how many there are and how many were shown.
    std::map<std::string, std::pair<std::size_t, std::size_t>> alike;
    const auto way_of = [](const Change& change) {
        return fmt::format("{}{}{}", sign_of(change.what), static_cast<int>(change.kind),
                           fmt::join(change.details, "\n"));
    };
    for (const Change& change : changes) ++alike[way_of(change)].first;
    std::string out;
    for (const Change& change : changes) {
        auto& [count, shown] = alike[way_of(change)];
        ++shown;
        // One that is left alone is shown rather than counted.
        if (shown <= kShownAlike || count == kShownAlike + 1) {
            render(change, out);
        } else if (shown == count) {
            fmt::format_to(std::back_inserter(out), "{} … and {} more in the same way\n",
                           sign_of(change.what), count - kShownAlike);
        }
    }
    return out;
}

}  // namespace gantry::server
