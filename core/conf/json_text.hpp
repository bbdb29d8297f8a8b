// Strings as JSON (RFC 8259), for the few documents that this room writes.
#pragma once

#include <string>
#include <string_view>

namespace gantry::conf {

// `text` in quotes, with what JSON does not allow escaped; bytes that are not UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);

inline std::string json_string(std::string_view text) {
    std::string out;
    append_json(out, text);
    return out;
}

}  // namespace gantry::conf
