// What names and lists in fields are made of (RFC 9110 5.6).
#pragma once

#include <string_view>

namespace headers {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_same(std::string_view one, std::string_view other);  // without regard to case
bool is_token(std::string_view text);
// Visible ASCII and blanks: what values in a configuration are made of.
bool is_value(std::string_view text);
std::string_view trimmed(std::string_view text);

// visit(std::string_view) for each element of a list with commas, without blanks around it; empty ones are
// none.
template <class Visit>
void each_element(std::string_view list, Visit&& visit) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const std::string_view element = trimmed(list.substr(0, comma));
        list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
        if (!element.empty()) visit(element);
    }
}

// Whether a list has `element`, in any case.
bool has_element(std::string_view list, std::string_view element);

}  // namespace headers
