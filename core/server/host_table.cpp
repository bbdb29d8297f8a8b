#include "core/server/host_table.hpp"

#include "core/base/hash.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::server {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kFirstSlots = 8;
constexpr std::uint64_t kWildcardSeed = 0x9e3779b97f4a7c15;

// What names are compared by: no trailing dot, no brackets.
std::string_view stripped(std::string_view name) {
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    return name;
}

}  // namespace

HostTable::HostTable() : seed_(process_hash_seed()) {}

HostTable HostTable::build(const conf::Settings& settings, std::size_t listener, Problems& problems) {
    HostTable table;
    std::optional<std::uint32_t> first;
    for (std::size_t i = 0; i < settings.hosts.size(); ++i) {
        const conf::Host& host = settings.hosts[i];
        if (std::find(host.listeners.begin(), host.listeners.end(), listener) == host.listeners.end())
            continue;
        const auto index = static_cast<std::uint32_t>(i);
        if (!first) first = index;
        for (const conf::HostName& name : host.names) {
            switch (name.kind) {
                case conf::HostName::Kind::Exact:
                    table.add_exact(name.text, index);
                    break;
                case conf::HostName::Kind::Wildcard:
                    table.add_wildcard(name.text, index);
                    break;
                case conf::HostName::Kind::Regex:
                    if (auto regex = Regex::compile(name.text, Case::Ignore)) {
                        table.add_regex(std::move(*regex), index);
                    } else {
                        problems.push_back(problem_of(name.place, regex.error()));
                    }
                    break;
            }
        }
    }
    table.default_ = first;
    if (listener < settings.listeners.size()) {
        if (const auto& chosen = settings.listeners[listener].default_host)
            table.default_ = static_cast<std::uint32_t>(*chosen);
    }
    if (table.default_ && table.patterns_.empty() &&
        std::all_of(table.slots_.begin(), table.slots_.end(),
                    [&](const Slot& slot) { return slot.length == 0 || slot.host == *table.default_; })) {
        table.only_host_ = table.default_;
    }
    table.slots_.shrink_to_fit();
    table.names_.shrink_to_fit();
    return table;
}

std::uint64_t HostTable::hash(std::string_view lower, bool is_wildcard) const {
    return hash_bytes(lower, is_wildcard ? seed_ ^ kWildcardSeed : seed_);
}

const HostTable::Slot* HostTable::probe(std::string_view lower, bool is_wildcard,
                                        std::size_t* looked_at) const {
    if (slots_.empty()) return nullptr;
    const std::uint64_t hashed = hash(lower, is_wildcard);
    const auto tag = static_cast<std::uint32_t>(hashed >> 32);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hashed & mask;; at = (at + 1) & mask) {
        const Slot& slot = slots_[at];
        if (looked_at != nullptr) ++*looked_at;
        if (slot.length == 0) return nullptr;
        if (slot.tag == tag && slot.length == lower.size() && slot.is_wildcard == is_wildcard &&
            std::memcmp(names_.data() + slot.offset, lower.data(), lower.size()) == 0)
            return &slot;
    }
}

void HostTable::grow() {
    std::vector<Slot> old = std::exchange(slots_, {});
    slots_.resize(old.empty() ? kFirstSlots : old.size() * 2);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
        if (slot.length == 0) continue;
        const std::string_view name(names_.data() + slot.offset, slot.length);
        std::size_t at = hash(name, slot.is_wildcard) & mask;
        while (slots_[at].length != 0) at = (at + 1) & mask;
        slots_[at] = slot;
    }
}

bool HostTable::add(std::string_view name, bool is_wildcard, std::uint32_t host) {
    const std::string lower = lower_case(stripped(name));
    if (lower.empty() || lower.size() > kMaxName) return false;
    if (probe(lower, is_wildcard, nullptr) != nullptr) return false;
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();

    const std::uint64_t hashed = hash(lower, is_wildcard);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hashed & mask;
    while (slots_[at].length != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<std::uint32_t>(hashed >> 32), static_cast<std::uint32_t>(names_.size()), host,
                  static_cast<std::uint16_t>(lower.size()), is_wildcard};
    names_ += lower;
    ++count_;
    if (is_wildcard) {
        longest_wildcard_ = std::max(longest_wildcard_, static_cast<std::uint16_t>(lower.size()));
        const auto labels = static_cast<std::uint16_t>(1 + std::count(lower.begin(), lower.end(), '.'));
        wildcard_labels_ = std::max(wildcard_labels_, labels);
    }
    return true;
}

bool HostTable::add_exact(std::string_view name, std::uint32_t host) {
    return add(name, false, host);
}

bool HostTable::add_wildcard(std::string_view suffix, std::uint32_t host) {
    return add(suffix, true, host);
}

void HostTable::add_regex(Regex regex, std::uint32_t host) {
    patterns_.push_back({std::move(regex), host});
}

const HostTable::Slot* HostTable::find_wildcard(std::string_view lower) const {
    // From the first suffix that is short enough to be one of ours: a name of a hundred labels costs no more
    // probes than our deepest wildcard has labels.
    std::size_t begin = lower.size();
    for (unsigned labels = 0; labels < wildcard_labels_ && begin > 0; ++labels) {
        const auto dot = lower.rfind('.', begin - 1);
        if (dot == lower.npos || dot == 0 || lower.size() - dot - 1 > longest_wildcard_) break;
        begin = dot;
    }
    while (begin < lower.size()) {
        if (const Slot* slot = probe(lower.substr(begin + 1), true, nullptr)) return slot;
        begin = std::min(lower.find('.', begin + 1), lower.size());
    }
    return nullptr;
}

HostMatch HostTable::find(std::string_view name, Arena& arena) const {
    HostMatch match;
    match.host = default_.value_or(0);
    match.is_found = default_.has_value();
    name = stripped(name);
    if (name.empty() || name.size() > kMaxName) return match;

    char buffer[kMaxName];
    lower_case_into(buffer, name);
    const std::string_view lower(buffer, name.size());
    const Slot* slot = probe(lower, false, nullptr);
    if (slot == nullptr && wildcard_labels_ != 0) slot = find_wildcard(lower);
    if (slot != nullptr) {
        match.host = slot->host;
        match.is_found = true;
        return match;
    }
    if (!patterns_.empty()) match_patterns(arena.copy(lower), arena, match);
    return match;
}

void HostTable::match_patterns(std::string_view lower, Arena& arena, HostMatch& match) const {
    for (const Pattern& pattern : patterns_) {
        const Matched matched = pattern.regex.match(lower, arena, match.captures);
        if (matched == Matched::No) continue;
        match.host = pattern.host;
        match.is_found = matched == Matched::Yes;
        match.is_failed = matched == Matched::Failed;
        return;
    }
}

std::size_t HostTable::memory() const {
    return slots_.capacity() * sizeof(Slot) + names_.capacity() + patterns_.capacity() * sizeof(Pattern);
}

std::size_t HostTable::probes(std::string_view name) const {
    std::size_t looked_at = 0;
    probe(lower_case(stripped(name)), false, &looked_at);
    return looked_at;
}

}  // namespace gantry::server
