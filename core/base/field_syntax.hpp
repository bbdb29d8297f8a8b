// What fields of messages are made of, for whoever lets somebody else name or fill them: the configuration,
// modules. The parser of messages has its own tables.
#pragma once

#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace gantry {

// RFC 9110 5.6.2: what names of fields, cookies and codings are made of.
inline bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

// RFC 9110 5.5: a tab is the only control byte that a value may have.
constexpr bool is_control_byte(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
}
inline bool has_control_bytes(std::string_view value) {
    return std::any_of(value.begin(), value.end(), is_control_byte);
}

// The proper name of a field that belongs to the connection and its framing (RFC 9110 7.6.1, RFC 9112 6),
// which the server keeps in order by itself; "" of all others.
inline std::string_view connection_field(std::string_view name) {
    constexpr std::string_view kNames[] = {
        "Content-Length", "Transfer-Encoding", "Connection",      "Keep-Alive", "TE",
        "Trailer",        "Upgrade",           "Proxy-Connection"};
    for (const std::string_view other : kNames) {
        if (equals_ignore_case(name, other)) return other;
    }
    return {};
}

}  // namespace gantry
