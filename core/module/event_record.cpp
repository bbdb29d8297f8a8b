#include "core/module/event_record.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <gantry/ext/events.h>

namespace gantry::module {
namespace {

// What a later gantry writes another way begins with another number.
constexpr std::string_view kVersion = "1";

bool is_letter(char byte) {
    return byte >= 'a' && byte <= 'z';
}
bool is_name_byte(char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

// Short enough for a type of it: one dot, one letter.
bool is_family(std::string_view text) {
    return !text.empty() && text.size() + 2 <= GANTRY_EVENT_TYPE_MAX && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(), is_name_byte);
}

// Dots stand between, and are never two.
bool is_name(std::string_view text) {
    char before = '.';
    for (const char byte : text) {
        if (!is_name_byte(byte) && (byte != '.' || before == '.')) return false;
        before = byte;
    }
    return before != '.';
}

// Up to the next end of a line, which is taken off as well.
std::optional<std::string_view> take_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    if (end == bytes.npos) return {};
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    return line;
}

}  // namespace

bool is_event_type(std::string_view type) {
    const std::size_t dot = type.find('.');
    return type.size() <= GANTRY_EVENT_TYPE_MAX && dot != type.npos && is_family(type.substr(0, dot)) &&
           is_name(type.substr(dot + 1));
}

std::string_view family_of(std::string_view type) {
    return type.substr(0, type.find('.'));
}

std::string encode(const EventRecord& event) {
    std::string out;
    out.reserve(kVersion.size() + event.type.size() + event.subject.size() + event.source.size() +
                event.data.size() + 4);
    for (const std::string_view line : {kVersion, event.type, event.subject, event.source}) {
        out += line;
        out += '\n';
    }
    out += event.data;
    return out;
}

std::optional<EventRecord> decode(std::string_view bytes) {
    const auto version = take_line(bytes);
    const auto type = take_line(bytes);
    const auto subject = take_line(bytes);
    const auto source = take_line(bytes);
    if (version != kVersion || !source || !is_event_type(*type)) return {};
    return EventRecord{*type, *subject, *source, bytes};
}

bool EventFamily::has(std::string_view type) const {
    return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}

std::optional<std::vector<EventFamily>> parse_event_types(std::string_view list) {
    std::vector<EventFamily> out;
    for (bool is_last = false; !is_last;) {
        const std::size_t comma = list.find(',');
        is_last = comma == list.npos;
        const std::string_view type = trim(list.substr(0, comma));
        list.remove_prefix(is_last ? list.size() : comma + 1);
        const bool is_all = type.ends_with(".*");
        const std::string_view family = family_of(type);
        if (is_all ? !is_family(type.substr(0, type.size() - 2)) : !is_event_type(type)) return {};
        auto known = std::find_if(out.begin(), out.end(),
                                  [family](const EventFamily& one) { return one.name == family; });
        const bool is_new = known == out.end();
        if (is_new) known = out.insert(out.end(), EventFamily{std::string(family), {}});
        if (is_all) {
            known->types.clear();
        } else if (is_new || !known->types.empty()) {
            known->types.emplace_back(type);
        }
    }
    return out;
}

}  // namespace gantry::module
