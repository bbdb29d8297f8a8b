// An event as the store keeps it, and what its types are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::module {

// "container.started": a family, and a name in it, of lower case letters, digits, `_`, `-` and, in the name,
// dots.
bool is_event_type(std::string_view type);
// Of such a type: "container".
std::string_view family_of(std::string_view type);

struct EventRecord {
    std::string_view type;
    std::string_view subject;  // without control bytes
    std::string_view source;   // the same
    std::string_view data;
};

// A line for each but the data, which may be anything.
std::string encode(const EventRecord& event);
// A view of `bytes`; nullopt: that is no event.
std::optional<EventRecord> decode(std::string_view bytes);

// Of one family, the types that somebody wants to be told of.
struct EventFamily {
    std::string name;
    std::vector<std::string> types;  // empty: all

    bool has(std::string_view type) const;
};

// "container.*, host.changed": a family once, in the order in which they are named. Nullopt: that is no list
// of types.
std::optional<std::vector<EventFamily>> parse_event_types(std::string_view list);

}  // namespace gantry::module
