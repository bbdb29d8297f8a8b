// Writes JSON: what routes of the control API answer with.
//
//     gantry::json::List bans;
//     bans.add(gantry::json::Object().add("rule", "login").add("seconds_left", 590));
//     gantry::json::Object().add("bans", bans).text()        // {"bans":[{"rule":"login","seconds_left":590}]}
//
// Texts may have any bytes; what is no UTF-8 is written as U+FFFD, as JSON has nothing else.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace gantry::inline sdk::json {

namespace detail {

// Bytes of the character at the begin of `text`, which is not empty; 0: it is none (RFC 3629).
inline std::size_t utf8_size(std::string_view text) noexcept {
    const auto at = [&](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const auto is_next = [&](std::size_t index) { return (at(index) & 0xc0U) == 0x80U; };
    const unsigned first = at(0);
    if (first < 0x80U) return 1;
    if (first < 0xc2U || first > 0xf4U || !is_next(1)) return 0;
    if (first < 0xe0U) return 2;
    if ((first == 0xe0U && at(1) < 0xa0U) || (first == 0xedU && at(1) > 0x9fU) ||
        (first == 0xf0U && at(1) < 0x90U) || (first == 0xf4U && at(1) > 0x8fU) || !is_next(2))
        return 0;
    if (first < 0xf0U) return 3;
    return is_next(3) ? 4 : 0;
}

inline void write(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t size = utf8_size(text);
        const char c = text[0];
        if (size == 0) {
            out += "\xef\xbf\xbd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20U) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out += escape;
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    out += '"';
}
inline void write(std::string& out, const char* text) {
    write(out, std::string_view{text});
}
inline void write(std::string& out, std::same_as<bool> auto value) {
    out += value ? "true" : "false";
}
inline void write(std::string& out, std::integral auto value)
    requires(!std::same_as<decltype(value), bool>)
{
    out += std::to_string(value);
}
inline void write(std::string& out, double value) {
    char number[40];
    std::snprintf(number, sizeof number, "%.17g", value);
    out += std::isfinite(value) ? number : "null";
}

}  // namespace detail

class List;

class Object {
public:
    // `value`: a text, a number, a bool, or an Object or List, of which a copy is made.
    template <class Value>
    Object& add(std::string_view name, const Value& value);
    std::string text() const { return text_ + '}'; }

private:
    std::string text_ = "{";
};

class List {
public:
    template <class Value>
    List& add(const Value& value) {
        if (text_.size() > 1) text_ += ',';
        if constexpr (std::same_as<Value, Object> || std::same_as<Value, List>) {
            text_ += value.text();
        } else {
            detail::write(text_, value);
        }
        return *this;
    }
    std::string text() const { return text_ + ']'; }

private:
    std::string text_ = "[";
};

template <class Value>
Object& Object::add(std::string_view name, const Value& value) {
    if (text_.size() > 1) text_ += ',';
    detail::write(text_, name);
    text_ += ':';
    if constexpr (std::same_as<Value, Object> || std::same_as<Value, List>) {
        text_ += value.text();
    } else {
        detail::write(text_, value);
    }
    return *this;
}

}  // namespace gantry::inline sdk::json
