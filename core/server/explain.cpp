#include "core/server/explain.hpp"

#include "core/base/text.hpp"
#include "core/conf/as_written.hpp"
#include "core/http/uri.hpp"

#include <fmt/format.h>

namespace gantry::server {
namespace {

using Kind = conf::Pattern::Kind;

// `wanted` is in lower case, without brackets and without a dot at its end.
bool is_name(const conf::HostName& name, const std::string& wanted) {
    switch (name.kind) {
        case conf::HostName::Kind::Exact:
            return name.text == wanted || name.text == "[" + wanted + "]";
        case conf::HostName::Kind::Wildcard:
            return wanted.size() > name.text.size() + 1 && wanted.ends_with("." + name.text);
        case conf::HostName::Kind::Regex:
            break;
    }
    const auto regex = Regex::compile(name.text, Case::Ignore);
    return regex && regex->match(wanted) == Matched::Yes;
}

// A pattern of one location, with what its expression was compiled to.
struct Candidate {
    const conf::Pattern* pattern = nullptr;
    const Regex* regex = nullptr;

    bool matches(std::string_view path) const {
        switch (pattern->kind) {
            case Kind::Exact:
                return path == pattern->text;
            case Kind::Prefix:
                return path.starts_with(pattern->text);
            case Kind::Regex:
                break;
        }
        return regex != nullptr && regex->match(path) == Matched::Yes;
    }
    // Exact before expressions before prefixes.
    int rank() const {
        if (pattern == nullptr) return -1;
        return pattern->kind == Kind::Exact ? 2 : pattern->kind == Kind::Regex ? 1 : 0;
    }
    // Of two that match the same path: is this one looked at before the other, wherever both stand?
    bool is_before(const Candidate& other) const {
        if (rank() != other.rank()) return rank() > other.rank();
        return pattern != nullptr && other.pattern != nullptr && pattern->kind == Kind::Prefix &&
               pattern->text.size() > other.pattern->text.size();
    }
};

std::uint32_t index_of(const HostEntry& host, const conf::Location& location) {
    return static_cast<std::uint32_t>(&location - host.settings->locations.data());
}

// The first one to be looked at of those that match.
Candidate best_of(const HostEntry& host, const conf::Location& location, std::string_view path) {
    const std::vector<const Regex*> expressions = host.table.expressions(index_of(host, location));
    std::size_t next = 0;
    Candidate best;
    for (const conf::Pattern& pattern : location.patterns) {
        Candidate candidate{&pattern, nullptr};
        if (pattern.kind == Kind::Regex && next < expressions.size()) candidate.regex = expressions[next++];
        if (!candidate.matches(path)) continue;
        if (best.pattern == nullptr || candidate.is_before(best)) best = candidate;
    }
    return best;
}

struct Reason {
    std::string why;
    conf::Place place;
};

Reason condition_reason(const conf::Location& location, const Conditions& conditions,
                        const http::RequestHead& head, const IpBytes& client, Arena& arena) {
    const auto broken = conditions.broken(head, client, arena);
    if (broken && broken->what == Conditions::Broken::What::Client) {
        return {fmt::format("the client is not in {}", fmt::join(location.clients, ", ")), location.place};
    }
    if (broken) {
        const conf::Condition& condition = location.conditions[broken->test];
        return {fmt::format("it does not hold that {}", conf::as_written(condition)), condition.place};
    }
    if (!conditions.allows(head.method, head.method_name)) {
        return {fmt::format("the method is none of {}", conditions.allow()), location.place};
    }
    return {};
}

Reason lesser_reason(const conf::Location& location, const Candidate& candidate, const conf::Location& chosen,
                     const Candidate& winner) {
    const std::string name = conf::as_written(*winner.pattern);
    if (location.priority != chosen.priority) {
        return {fmt::format("its priority is {}, that of {} is {}", location.priority, name, chosen.priority),
                chosen.place};
    }
    const conf::Place place = winner.pattern->place;
    if (winner.rank() != candidate.rank()) {
        const std::string_view kind = winner.rank() == 2 ? "an exact path" : "an expression";
        return {fmt::format("{} is {} and looked at before", name, kind), place};
    }
    if (winner.pattern->text.size() != candidate.pattern->text.size() &&
        winner.pattern->kind == Kind::Prefix) {
        return {fmt::format("{} is a longer prefix", name), place};
    }
    return {fmt::format("{} stands before it", name), place};
}

}  // namespace

const conf::HostName* find_name(const HostEntry& host, std::string_view authority) {
    const auto parsed = http::parse_authority(authority);
    if (!parsed) return nullptr;
    std::string wanted = lower_case(parsed->host);
    if (wanted.ends_with('.')) wanted.pop_back();
    for (const conf::HostName::Kind kind :
         {conf::HostName::Kind::Exact, conf::HostName::Kind::Wildcard, conf::HostName::Kind::Regex}) {
        const conf::HostName* best = nullptr;
        for (const conf::HostName& name : host.settings->names) {
            if (name.kind != kind || !is_name(name, wanted)) continue;
            const bool is_longer = best != nullptr && kind == conf::HostName::Kind::Wildcard &&
                                   name.text.size() > best->text.size();
            if (best == nullptr || is_longer) best = &name;
        }
        if (best != nullptr) return best;
    }
    return nullptr;
}

const conf::Pattern* find_pattern(const HostEntry& host, const LocationEntry& location,
                                  std::string_view matched, std::string_view path) {
    // Of exact and prefix patterns with the same text only one can have matched: an exact one comes first.
    const conf::Pattern* found = nullptr;
    for (const conf::Pattern& pattern : location.settings->patterns) {
        if (pattern.kind == Kind::Regex || matched.empty() || pattern.text != matched) continue;
        if (found == nullptr || (pattern.kind == Kind::Exact && path == matched)) found = &pattern;
    }
    return found != nullptr ? found : best_of(host, *location.settings, path).pattern;
}

std::vector<Unchosen> find_unchosen(const HostEntry& host, const LocationEntry* chosen,
                                    const conf::Pattern* pattern, const http::RequestHead& head,
                                    std::string_view path, const IpBytes& client, Arena& arena) {
    const Candidate winner{pattern, nullptr};
    std::vector<Unchosen> unchosen;
    for (const conf::Location& location : host.settings->locations) {
        if (chosen != nullptr && chosen->settings == &location) continue;
        const Candidate candidate = best_of(host, location, path);
        Reason reason;
        if (candidate.pattern == nullptr) {
            reason = {"its pattern is not that of the path", location.place};
        } else if (const Conditions* conditions = host.table.conditions(index_of(host, location))) {
            reason = condition_reason(location, *conditions, head, client, arena);
        }
        if (reason.why.empty() && chosen != nullptr && winner.pattern != nullptr) {
            reason = lesser_reason(location, candidate, *chosen->settings, winner);
        }
        unchosen.push_back({&location, candidate.pattern, std::move(reason.why), reason.place});
    }
    return unchosen;
}

}  // namespace gantry::server
