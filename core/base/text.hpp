// Small helpers for ASCII text: what HTTP and the configuration compare, trim and split by.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool equals_ignore_case(std::string_view a, std::string_view b);
bool starts_with_ignore_case(std::string_view text, std::string_view prefix);
std::string lower_case(std::string_view text);
// The same into `to`, which has room for text.size() bytes; eight at a time.
void lower_case_into(char* to, std::string_view text);

// Without leading and trailing spaces and tabs (HTTP's OWS).
std::string_view trim(std::string_view text);

// Decimal digits only, no sign, no overflow; nullopt otherwise.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Calls visit(part) for each trimmed, non-empty element of a comma-separated list (RFC 9110 5.6.1). Commas
// inside a quoted string do not split. visit returns false to stop.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= list.size(); ++i) {
        const bool end = i == list.size();
        if (!end && quoted && list[i] == '\\') {
            ++i;
            if (i < list.size()) continue;
            --i;
            continue;
        }
        if (!end && list[i] == '"') quoted = !quoted;
        if (!end && (quoted || list[i] != ',')) continue;
        const std::string_view part = trim(list.substr(begin, i - begin));
        begin = i + 1;
        if (!part.empty() && !visit(part)) return;
    }
}

}  // namespace gantry
