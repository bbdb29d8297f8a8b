// Which host answers for a name, per listener: exact names and wildcards in one flat hash table, then regular
// expressions in order, then the default.
#pragma once

#include "core/base/arena.hpp"
#include "core/server/problem.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

struct HostMatch {
    std::uint32_t host = 0;  // index into conf::Settings::hosts
    bool is_found = false;   // false: no host has the name, and there is no default (421)
    bool is_failed = false;  // an expression reached its limit: answer 500, do not use `host`
    Captures captures;       // of a regular expression; they view the name in the arena
};

// Immutable after build; find() may be called by any number of threads. [any]
//
// Order: the exact name; the longest wildcard ("*.example.com" covers any depth below example.com, not
// itself); regular expressions in the order of the file; the default. Names compare without case; one
// trailing dot and the brackets of an IPv6 literal are ignored.
class HostTable {
public:
    // The hosts of `settings` that serve on `listener`. Problems (a bad expression) are appended to
    // `problems` and their names left out.
    static HostTable build(const conf::Settings& settings, std::size_t listener, Problems& problems);

    HostTable();
    HostTable(HostTable&&) noexcept = default;
    HostTable& operator=(HostTable&&) noexcept = default;

    // For tests and for build(): false when the name is taken (the first one stays).
    bool add_exact(std::string_view name, std::uint32_t host);
    bool add_wildcard(std::string_view suffix, std::uint32_t host);  // "example.com" for "*.example.com"
    void add_regex(Regex regex, std::uint32_t host);
    void set_default(std::uint32_t host) { default_ = host; }

    // `name` without port, any case, as parse_authority gives it. The arena is used only for expressions.
    HostMatch find(std::string_view name, Arena& arena) const;

    // The host that answers for every name, where that is known beforehand.
    const std::optional<std::uint32_t>& only_host() const { return only_host_; }

    std::size_t size() const { return count_; }
    // Heap bytes of the table, regular expressions not counted.
    std::size_t memory() const;
    // Slots looked at to find `name` exactly: for the test that lookups stay constant.
    std::size_t probes(std::string_view name) const;

private:
    struct Slot {
        std::uint32_t tag = 0;     // upper half of the hash; with length 0: a free slot
        std::uint32_t offset = 0;  // into names_
        std::uint32_t host = 0;
        std::uint16_t length = 0;
        bool is_wildcard = false;
    };
    struct Pattern {
        Regex regex;
        std::uint32_t host;
    };

    bool add(std::string_view name, bool is_wildcard, std::uint32_t host);
    const Slot* probe(std::string_view lower, bool is_wildcard, std::size_t* looked_at) const;
    const Slot* find_wildcard(std::string_view lower) const;
    void match_patterns(std::string_view lower, Arena& arena, HostMatch& match) const;
    std::uint64_t hash(std::string_view lower, bool is_wildcard) const;
    void grow();

    std::vector<Slot> slots_;  // a power of two, at most 3/4 full
    std::string names_;        // all names behind one another, lower case
    std::vector<Pattern> patterns_;
    std::size_t count_ = 0;
    std::uint64_t seed_ = 0;
    std::optional<std::uint32_t> default_;
    std::optional<std::uint32_t> only_host_;
    std::uint16_t longest_wildcard_ = 0;  // bytes; bounds the work that a name of many labels can cause
    std::uint16_t wildcard_labels_ = 0;   // most labels of a wildcard's suffix
};

}  // namespace gantry::server
