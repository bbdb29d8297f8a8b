// Which location of a host answers a request: patterns in compact sorted tables, then conditions.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/cidr.hpp"
#include "core/http/message.hpp"
#include "core/server/condition.hpp"
#include "core/server/problem.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

struct LocationMatch {
    enum class Outcome : std::uint8_t {
        Found,
        NotFound,          // 404
        MethodNotAllowed,  // 405 with `allow`
        Failed,            // an expression reached its limit: 500, because falling through might skip a guard
    };
    Outcome outcome = Outcome::NotFound;
    std::uint32_t location = 0;  // index into conf::Host::locations
    std::string_view pattern;    // text of the exact or prefix pattern, "" for an expression; in the table
    Captures captures;           // of an expression
    std::string_view allow;      // "GET, HEAD, POST"; in the table or the arena
};

// Immutable after build; find() may be called by any number of threads at once. [any]
//
// Order of candidates, as in nginx but for `priority`:
//   1. higher `priority` before lower (default 0);
//   2. an exact pattern ("= /x") that is the path;
//   3. regular expressions that match, in the order of the file;
//   4. prefixes of the path, the longest first. A prefix is a string prefix: "/a" covers "/a", "/a/b" and
//   "/ab",
//      "/a/" covers "/a/b" but not "/a".
// Equal patterns are tried in the order of the file. The first candidate whose conditions (methods, header,
// query, cookie, client) all hold answers; one that fails falls through to the next. When nothing answers but
// some candidate failed only by its method, the outcome is 405 with the methods of all such candidates.
class LocationTable {
public:
    // Problems (bad expression, bad address range) are appended to `problems`; the location is then left out.
    static LocationTable build(const conf::Host& host, Problems& problems);

    LocationTable() = default;
    LocationTable(LocationTable&&) noexcept = default;
    LocationTable& operator=(LocationTable&&) noexcept = default;

    // `path` is the normal form (http::normalize_path). `client` is the address that the conditions judge.
    LocationMatch find(const http::RequestHead& head, std::string_view path, const IpBytes& client,
                       Arena& arena) const;

    // Null: it has none.
    const Conditions* conditions(std::uint32_t location) const {
        return conditions_.empty() ? nullptr : conditions_[location].get();
    }
    // All expressions of a location, in the order of its patterns, for the names that its templates may use.
    std::vector<const Regex*> expressions(std::uint32_t location) const;

    // Heap bytes, regular expressions not counted.
    std::size_t memory() const;

private:
    // A distinct text and the locations that have it, in the order of the file.
    struct Node {
        std::uint32_t offset = 0;      // into texts_
        std::uint32_t candidates = 0;  // first of them, in candidates_
        std::uint16_t length = 0;
        std::uint16_t count = 0;
        std::uint32_t parent = kNone;  // of a prefix: the longest other prefix that begins it
    };
    struct Expression {
        Regex regex;
        std::uint32_t location;
    };
    // All patterns of one priority, as ranges of nodes_ and expressions_.
    struct Tier {
        std::uint32_t exact = 0;   // nodes [exact, prefix) sorted by text
        std::uint32_t prefix = 0;  // nodes [prefix, end) sorted by text
        std::uint32_t end = 0;
        std::uint32_t expression = 0;
        std::uint32_t expression_end = 0;
    };
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::size_t kMaxPattern = 8192;

    class Builder;
    struct Search;

    bool try_node(Search& search, const Node& node) const;
    bool try_location(Search& search, std::uint32_t location) const;
    bool search_tier(Search& search, const Tier& tier) const;
    const Node* find_exact(const Tier& tier, std::string_view path) const;
    const Node* find_prefix(const Tier& tier, std::string_view path) const;
    std::string_view text(const Node& node) const { return {texts_.data() + node.offset, node.length}; }
    std::string_view allow_list(const Search& search) const;

    std::string texts_;
    std::vector<Tier> tiers_;  // highest priority first
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> candidates_;
    std::vector<Expression> expressions_;
    std::vector<std::unique_ptr<const Conditions>>
        conditions_;  // by location; null: none. Empty: none at all
};

}  // namespace gantry::server
