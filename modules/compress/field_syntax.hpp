// Words and lists in fields (RFC 9110 5.6).
#pragma once

#include <string_view>

namespace compression {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

inline bool is_same(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) return false;
    for (std::size_t i = 0; i < one.size(); ++i) {
        if (lower(one[i]) != lower(other[i])) return false;
    }
    return true;
}

inline std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t";
    const auto first = text.find_first_not_of(kBlanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// visit(std::string_view) for each part between separators, without blanks around it; empty ones are none.
template <class Visit>
void each_element(std::string_view list, char separator, Visit&& visit) {
    while (!list.empty()) {
        const auto end = list.find(separator);
        const std::string_view element = trimmed(list.substr(0, end));
        list = end == list.npos ? std::string_view{} : list.substr(end + 1);
        if (!element.empty()) visit(element);
    }
}

inline bool has_element(std::string_view list, std::string_view element) {
    bool has = false;
    each_element(list, ',', [&](std::string_view one) { has = has || is_same(one, element); });
    return has;
}

}  // namespace compression
