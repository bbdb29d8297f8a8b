// Locations of one host that can never answer, because another one comes first. The order is the router's:
// priority; then exact paths, expressions in the order of the file, prefixes from the longest; what fails by
// a condition falls through to the next.
#include "core/conf/as_written.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

// Comparing all with all is for people's files, not for generated ones.
constexpr std::size_t kMaxPatterns = 2000;

struct Item {
    const Location* location;
    const Pattern* pattern;
    std::size_t order;  // of the location in the file
};

// Every path begins with a slash and has no line break in front.
bool is_everything(const Pattern& pattern) {
    if (pattern.kind == Pattern::Kind::Prefix) return pattern.text == "/";
    if (pattern.kind != Pattern::Kind::Regex) return false;
    static constexpr std::string_view kAll[] = {
        ".",     ".*", "^",      "^.",   "^.*",   "^/",    "/",       "/.*",   "^/.*", ".*$",  "^.*$",
        "^/.*$", "$",  "^(.*)$", "(.*)", "^(.*)", "(.*)$", "^/(.*)$", "/(.*)", ".+",   "^.+$", "^/(.*)"};
    return std::find(std::begin(kAll), std::end(kAll), pattern.text) != std::end(kAll);
}

bool is_same(const Pattern& a, const Pattern& b) {
    return a.kind == b.kind && a.text == b.text && a.ignore_case == b.ignore_case;
}

// Every path that `b` matches, `a` matches too.
bool covers(const Pattern& a, const Pattern& b) {
    if (is_everything(a) || is_same(a, b)) return true;
    return a.kind == Pattern::Kind::Prefix && b.kind != Pattern::Kind::Regex && b.text.starts_with(a.text);
}

int rank(Pattern::Kind kind) {
    switch (kind) {
        case Pattern::Kind::Exact:
            return 0;
        case Pattern::Kind::Regex:
            return 1;
        case Pattern::Kind::Prefix:
            break;
    }
    return 2;
}

bool comes_before(const Item& a, const Item& b) {
    if (a.location->priority != b.location->priority) return a.location->priority > b.location->priority;
    const int rank_a = rank(a.pattern->kind);
    const int rank_b = rank(b.pattern->kind);
    if (rank_a != rank_b) return rank_a < rank_b;
    if (a.pattern->kind == Pattern::Kind::Prefix && a.pattern->text.size() != b.pattern->text.size()) {
        return a.pattern->text.size() > b.pattern->text.size();
    }
    return a.order < b.order;
}

bool is_same(const Condition& a, const Condition& b) {
    return a.source == b.source && a.test == b.test && a.name == b.name && a.value == b.value;
}

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// Whatever passes the conditions of `b` passes those of `a`.
bool asks_no_more(const Location& a, const Location& b) {
    const bool methods =
        a.methods.empty() ||
        (!b.methods.empty() && std::all_of(b.methods.begin(), b.methods.end(),
                                           [&](const auto& m) { return contains(a.methods, m); }));
    const bool clients = a.clients.empty() || a.clients == b.clients;
    return methods && clients &&
           std::all_of(a.conditions.begin(), a.conditions.end(), [&](const Condition& c) {
               return std::any_of(b.conditions.begin(), b.conditions.end(),
                                  [&](const Condition& d) { return is_same(c, d); });
           });
}

void report(Loading& in, const Item& first, const Item& dead) {
    const Related place{first.pattern->place, "this one answers first", {}};
    const bool same = is_same(*first.pattern, *dead.pattern);
    if (first.location == dead.location) {
        in.error(dead.pattern->place,
                 fmt::format("the pattern \"{}\" is listed twice", as_written(*dead.pattern)),
                 "take one of the two out", Related{first.pattern->place, "first listed here", {}});
        return;
    }
    if (same && first.location->priority == dead.location->priority &&
        asks_no_more(*dead.location, *first.location)) {
        in.error(
            dead.pattern->place,
            fmt::format("two locations cannot be told apart: both match \"{}\" under the same conditions",
                        as_written(*dead.pattern)),
            "take one of them out, or give it conditions (methods, when)", place);
        return;
    }
    in.error(dead.pattern->place,
             fmt::format("\"{}\" can never match: \"{}\" takes every request first",
                         as_written(*dead.pattern), as_written(*first.pattern)),
             same && first.location->priority == dead.location->priority
                 ? "put the location with conditions before the one without"
                 : "take one of them out, or change \"priority\"",
             place);
}

}  // namespace

void check_locations(Loading& in, const Host& host) {
    std::vector<Item> items;
    for (std::size_t i = 0; i < host.locations.size(); ++i) {
        for (const Pattern& pattern : host.locations[i].patterns)
            items.push_back({&host.locations[i], &pattern, i});
    }
    for (const Item& item : items) {
        if (host.merge_slashes && item.pattern->kind != Pattern::Kind::Regex &&
            item.pattern->text.find("//") != std::string::npos) {
            in.error(
                item.pattern->place,
                fmt::format("the pattern \"{}\" can never match: // counts as /", as_written(*item.pattern)),
                "write one slash, or set merge_slashes = false on the host");
        }
    }
    if (items.size() < 2 || items.size() > kMaxPatterns) return;
    std::stable_sort(items.begin(), items.end(), comes_before);
    for (std::size_t later = 1; later < items.size(); ++later) {
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            if (!covers(*items[earlier].pattern, *items[later].pattern)) continue;
            if (!asks_no_more(*items[earlier].location, *items[later].location)) continue;
            report(in, items[earlier], items[later]);
            break;
        }
    }
}

}  // namespace gantry::conf
