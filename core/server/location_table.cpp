#include "core/server/location_table.hpp"

#include <algorithm>
#include <map>

namespace gantry::server {

namespace {

// How many bytes both have in common at the begin.
std::size_t common_prefix(std::string_view a, std::string_view b) {
    const std::size_t most = std::min(a.size(), b.size());
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first - a.begin());
}

}  // namespace

// ---- building

class LocationTable::Builder {
public:
    Builder(LocationTable& table, const conf::Host& host, Problems& problems)
        : table_(table), host_(host), problems_(problems) {}

    void build() {
        for (std::uint32_t i = 0; i < host_.locations.size(); ++i) add_location(i);
        for (auto& [priority, patterns] : tiers_) add_tier(patterns);
        table_.texts_.shrink_to_fit();
        table_.tiers_.shrink_to_fit();
        table_.nodes_.shrink_to_fit();
        table_.candidates_.shrink_to_fit();
        table_.expressions_.shrink_to_fit();
    }

private:
    struct Patterns {
        std::map<std::string_view, std::vector<std::uint32_t>> exact;
        std::map<std::string_view, std::vector<std::uint32_t>> prefix;
        std::vector<Expression> expressions;
    };

    void add_location(std::uint32_t index) {
        const conf::Location& location = host_.locations[index];
        const std::size_t before = problems_.size();
        auto conditions = Conditions::build(location, problems_);
        if (problems_.size() != before) return;  // without its conditions it would be too open
        if (conditions != nullptr) {
            table_.conditions_.resize(host_.locations.size());
            table_.conditions_[index] = std::move(conditions);
        }
        Patterns& patterns = tiers_[-static_cast<std::int64_t>(location.priority)];
        for (const conf::Pattern& pattern : location.patterns) add_pattern(patterns, pattern, index);
    }

    void add_pattern(Patterns& patterns, const conf::Pattern& pattern, std::uint32_t index) {
        if (pattern.kind == conf::Pattern::Kind::Regex) {
            auto regex = Regex::compile(pattern.text, pattern.ignore_case ? Case::Ignore : Case::Sensitive);
            if (!regex) {
                problems_.push_back(problem_of(pattern.place, regex.error()));
                return;
            }
            patterns.expressions.push_back({std::move(*regex), index});
            return;
        }
        if (pattern.text.size() > kMaxPattern) {
            problems_.push_back({pattern.place, 0, "the pattern is longer than 8192 bytes", "shorten it"});
            return;
        }
        auto& list = pattern.kind == conf::Pattern::Kind::Exact ? patterns.exact[pattern.text]
                                                                : patterns.prefix[pattern.text];
        if (list.empty() || list.back() != index) list.push_back(index);
    }

    void add_tier(Patterns& patterns) {
        Tier tier;
        tier.exact = end_of_nodes();
        for (const auto& [text, locations] : patterns.exact) add_node(text, locations);
        tier.prefix = end_of_nodes();
        for (const auto& [text, locations] : patterns.prefix) {
            add_node(text, locations);
            link_parent(tier);
        }
        tier.end = end_of_nodes();
        tier.expression = static_cast<std::uint32_t>(table_.expressions_.size());
        for (Expression& expression : patterns.expressions)
            table_.expressions_.push_back(std::move(expression));
        tier.expression_end = static_cast<std::uint32_t>(table_.expressions_.size());
        table_.tiers_.push_back(tier);
    }

    void add_node(std::string_view text, const std::vector<std::uint32_t>& locations) {
        Node node;
        node.offset = static_cast<std::uint32_t>(table_.texts_.size());
        node.length = static_cast<std::uint16_t>(text.size());
        node.candidates = static_cast<std::uint32_t>(table_.candidates_.size());
        node.count = static_cast<std::uint16_t>(std::min<std::size_t>(locations.size(), 0xffff));
        table_.texts_ += text;
        table_.candidates_.insert(table_.candidates_.end(), locations.begin(), locations.end());
        table_.nodes_.push_back(node);
    }

    // The last node's parent is its predecessor or one of that one's ancestors, because the nodes are sorted.
    void link_parent(const Tier& tier) {
        const std::uint32_t last = end_of_nodes() - 1;
        std::uint32_t at = last == tier.prefix ? kNone : last - 1;
        const std::string_view text = table_.text(table_.nodes_[last]);
        while (at != kNone && !text.starts_with(table_.text(table_.nodes_[at])))
            at = table_.nodes_[at].parent;
        table_.nodes_[last].parent = at;
    }

    std::uint32_t end_of_nodes() const { return static_cast<std::uint32_t>(table_.nodes_.size()); }

    LocationTable& table_;
    const conf::Host& host_;
    Problems& problems_;
    std::map<std::int64_t, Patterns> tiers_;  // by descending priority
};

LocationTable LocationTable::build(const conf::Host& host, Problems& problems) {
    LocationTable table;
    Builder(table, host, problems).build();
    return table;
}

// ---- searching

struct LocationTable::Search {
    const http::RequestHead& head;
    std::string_view path;
    const IpBytes& client;
    Arena& arena;
    LocationMatch match;
    // of candidates that failed only by their method
    const Conditions* refused = nullptr;  // the only one so far
    std::uint16_t methods = 0;
    std::vector<std::string>
        others;  // stays empty (no allocation) unless methods of foreign names are listed
    bool several = false;
};

// True when the search is over: found, or failed.
bool LocationTable::try_location(Search& search, std::uint32_t location) const {
    if (const Conditions* conditions = this->conditions(location)) {
        const Matched held = conditions->hold(search.head, search.client, search.arena);
        if (held == Matched::No) return false;
        if (held == Matched::Failed) {
            search.match.outcome = LocationMatch::Outcome::Failed;
            return true;
        }
        if (!conditions->allows(search.head.method, search.head.method_name)) {
            search.several = search.refused != nullptr;
            search.refused = conditions;
            search.methods = static_cast<std::uint16_t>(search.methods | conditions->methods());
            for (const std::string& name : conditions->other_methods()) {
                if (std::find(search.others.begin(), search.others.end(), name) == search.others.end())
                    search.others.push_back(name);
            }
            return false;
        }
    }
    search.match.outcome = LocationMatch::Outcome::Found;
    search.match.location = location;
    return true;
}

bool LocationTable::try_node(Search& search, const Node& node) const {
    for (std::uint32_t i = 0; i < node.count; ++i) {
        if (!try_location(search, candidates_[node.candidates + i])) continue;
        search.match.pattern = text(node);
        return true;
    }
    return false;
}

const LocationTable::Node* LocationTable::find_exact(const Tier& tier, std::string_view path) const {
    const auto begin = nodes_.begin() + tier.exact;
    const auto end = nodes_.begin() + tier.prefix;
    const auto at = std::lower_bound(
        begin, end, path, [this](const Node& node, std::string_view wanted) { return text(node) < wanted; });
    return at != end && text(*at) == path ? &*at : nullptr;
}

// The longest prefix of `path`. It begins every text between itself and the path, hence also the last text
// that is not after the path: it is that one or an ancestor of it.
const LocationTable::Node* LocationTable::find_prefix(const Tier& tier, std::string_view path) const {
    const auto begin = nodes_.begin() + tier.prefix;
    const auto end = nodes_.begin() + tier.end;
    if (end - begin == 1) return path.starts_with(text(*begin)) ? &*begin : nullptr;  // "/", nearly always
    const auto after = std::upper_bound(
        begin, end, path, [this](std::string_view wanted, const Node& node) { return wanted < text(node); });
    if (after == begin) return nullptr;
    const Node* node = &*std::prev(after);
    const std::size_t common = common_prefix(text(*node), path);
    while (node->length > common) {
        if (node->parent == kNone) return nullptr;
        node = &nodes_[node->parent];
    }
    return node;
}

bool LocationTable::search_tier(Search& search, const Tier& tier) const {
    if (tier.exact != tier.prefix) {
        const Node* node = find_exact(tier, search.path);
        if (node != nullptr && try_node(search, *node)) return true;
    }
    for (std::uint32_t i = tier.expression; i < tier.expression_end; ++i) {
        Captures captures;
        const Matched matched = expressions_[i].regex.match(search.path, search.arena, captures);
        if (matched == Matched::No) continue;
        if (matched == Matched::Failed) {
            search.match.outcome = LocationMatch::Outcome::Failed;
            return true;
        }
        if (!try_location(search, expressions_[i].location)) continue;
        search.match.captures = captures;
        return true;
    }
    if (tier.prefix == tier.end) return false;
    const Node* node = find_prefix(tier, search.path);
    while (node != nullptr) {
        if (try_node(search, *node)) return true;
        node = node->parent == kNone ? nullptr : &nodes_[node->parent];
    }
    return false;
}

std::string_view LocationTable::allow_list(const Search& search) const {
    if (!search.several) return search.refused->allow();
    return search.arena.copy(allow_text(search.methods, search.others));
}

LocationMatch LocationTable::find(const http::RequestHead& head, std::string_view path, const IpBytes& client,
                                  Arena& arena) const {
    Search search{head, path, client, arena, {}, nullptr, 0, {}, false};
    for (const Tier& tier : tiers_) {
        if (search_tier(search, tier)) return search.match;
    }
    if (search.refused != nullptr) {
        search.match.outcome = LocationMatch::Outcome::MethodNotAllowed;
        search.match.allow = allow_list(search);
    }
    return search.match;
}

std::vector<const Regex*> LocationTable::expressions(std::uint32_t location) const {
    std::vector<const Regex*> found;
    for (const Expression& expression : expressions_) {
        if (expression.location == location) found.push_back(&expression.regex);
    }
    return found;
}

std::size_t LocationTable::memory() const {
    return texts_.capacity() + tiers_.capacity() * sizeof(Tier) + nodes_.capacity() * sizeof(Node) +
           candidates_.capacity() * sizeof(std::uint32_t) + expressions_.capacity() * sizeof(Expression) +
           conditions_.capacity() * sizeof(conditions_[0]);
}

}  // namespace gantry::server
