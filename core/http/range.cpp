#include "core/http/range.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <limits>

namespace gantry::http {

namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

// Digits to a number, kHuge when it does not fit; false when there is something else or nothing.
bool read_position(std::string_view text, std::uint64_t& value) {
    if (text.empty()) return false;
    value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        const auto digit = static_cast<unsigned>(c - '0');
        value = value > (kHuge - digit) / 10 ? kHuge : value * 10 + digit;
    }
    return true;
}

enum class Spec : std::uint8_t { Invalid, Unsatisfiable, Satisfiable };

Spec read_spec(std::string_view text, std::uint64_t size, ByteRange& range) {
    const std::size_t dash = text.find('-');
    if (dash == text.npos) return Spec::Invalid;
    const std::string_view first = trim(text.substr(0, dash));
    const std::string_view last = trim(text.substr(dash + 1));
    if (first.empty()) {
        std::uint64_t suffix = 0;
        if (!read_position(last, suffix)) return Spec::Invalid;
        if (suffix == 0 || size == 0) return Spec::Unsatisfiable;
        range = {size - std::min(suffix, size), size - 1};
        return Spec::Satisfiable;
    }
    range.last = kHuge;
    if (!read_position(first, range.first)) return Spec::Invalid;
    if (!last.empty() && !read_position(last, range.last)) return Spec::Invalid;
    if (range.last < range.first) return Spec::Invalid;
    if (range.first >= size) return Spec::Unsatisfiable;
    range.last = std::min(range.last, size - 1);
    return Spec::Satisfiable;
}

}  // namespace

RangeSet parse_range(std::string_view value, std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (!starts_with_ignore_case(value, kUnit)) return {};
    RangeSet set;
    std::size_t specs = 0;
    std::uint64_t total = 0;
    bool is_valid = true;
    bool is_too_much = false;  // the ranges together are more than the content
    for_each_element(value.substr(kUnit.size()), [&](std::string_view text) {
        ByteRange range;
        const Spec spec = read_spec(text, size, range);
        is_valid = spec != Spec::Invalid && ++specs <= kMaxRanges;
        if (!is_valid) return false;
        if (spec == Spec::Unsatisfiable) return true;
        is_too_much = is_too_much || range.size() > size - total;
        total += range.size();
        set.ranges[set.count++] = range;
        return true;
    });
    if (!is_valid || specs == 0 || is_too_much) return {};
    set.kind = set.count > 0 ? RangeSet::Kind::Satisfiable : RangeSet::Kind::Unsatisfiable;
    return set;
}

}  // namespace gantry::http
