#include "core/conf/sections.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <tuple>

namespace gantry::conf {
namespace {

std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> order_of(const Place& place) {
    return {place.file, place.line, place.column};
}

}  // namespace

Section Sections::section_of(const Begin& begin) const {
    const std::string_view names = names_;
    return {names.substr(begin.offset, begin.kind_size),
            names.substr(begin.offset + begin.kind_size, begin.name_size)};
}

void Sections::add(Place place, std::string_view kind, std::string_view name) {
    if (!begins_.empty() && begins_.back().place.file == place.file) {
        const Section last = section_of(begins_.back());
        if (last.kind == kind && last.name == name) return;
    }
    begins_.push_back({place, static_cast<std::uint32_t>(names_.size()),
                       static_cast<std::uint32_t>(kind.size()), static_cast<std::uint32_t>(name.size())});
    names_.append(kind).append(name);
}

Section Sections::find(Place place) const {
    const auto after = std::upper_bound(
        begins_.begin(), begins_.end(), order_of(place),
        [](const auto& wanted, const Begin& begin) { return wanted < order_of(begin.place); });
    if (after == begins_.begin() || std::prev(after)->place.file != place.file) return {};
    return section_of(*std::prev(after));
}

bool Sections::is_broken(std::uint32_t file) const {
    return std::find(broken.begin(), broken.end(), file) != broken.end();
}

namespace {

// A key of a header, taken from the front of `rest`: `"a.b"`, `'a.b'` or `a`. Empty: this is none.
std::string_view take_key(std::string_view& rest) {
    rest = trim(rest);
    if (rest.empty()) return {};
    if (rest[0] == '"' || rest[0] == '\'') {
        const auto end = rest.find(rest[0], 1);
        if (end == rest.npos) return {};
        const std::string_view key = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        return key.find('\\') == key.npos ? key : std::string_view();
    }
    std::size_t end = 0;
    while (end < rest.size() &&
           (is_alpha(rest[end]) || is_digit(rest[end]) || rest[end] == '_' || rest[end] == '-'))
        ++end;
    const std::string_view key = rest.substr(0, end);
    rest.remove_prefix(end);
    return key;
}

}  // namespace

std::vector<ScannedSection> scan_sections(std::string_view text) {
    std::vector<ScannedSection> out;
    for (std::uint32_t line = 1; !text.empty(); ++line) {
        const auto end = text.find('\n');
        std::string_view rest = trim(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (!rest.starts_with('[')) continue;
        while (rest.starts_with('[')) rest.remove_prefix(1);
        ScannedSection found;
        found.line = line;
        found.section.kind = take_key(rest);
        rest = trim(rest);
        if (rest.starts_with('.')) {
            rest.remove_prefix(1);
            found.section.name = take_key(rest);
        }
        if (!found.section.kind.empty()) out.push_back(found);
    }
    return out;
}

}  // namespace gantry::conf
