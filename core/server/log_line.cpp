#include "core/server/log_line.hpp"

#include <array>

namespace gantry::server {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes that are written as they are.
constexpr std::array<bool, 256> plain_bytes(unsigned last) {
    std::array<bool, 256> plain{};
    for (unsigned i = 0x20; i <= last; ++i) plain[i] = i != '"' && i != '\\';
    return plain;
}
constexpr auto kPlainText = plain_bytes(0x7e);
constexpr auto kPlainJson = plain_bytes(0x7f);

// The length of the UTF-8 sequence that `text` begins with, 0 when it is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
        return is_tail(1) && is_tail(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
        return is_tail(1) && is_tail(2) && is_tail(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

void LogLine::escaped(std::string_view text) {
    const auto& table = escape_ == LogEscape::Text ? kPlainText : kPlainJson;
    while (!text.empty() && room_ > 0) {
        const std::string_view next = text.substr(0, kSlack);
        if (next.size() == kSlack && clean_without<'"'>(next)) {
            text.remove_prefix(next.size());
            continue;
        }
        const auto stop = std::find_if(next.begin(), next.end(),
                                       [&](char c) { return !table[static_cast<unsigned char>(c)]; });
        const auto run = static_cast<std::size_t>(stop - next.begin());
        plain(next.substr(0, run));
        text.remove_prefix(run);
        if (run == next.size() || room_ == 0) continue;
        text.remove_prefix(escape_ == LogEscape::Text ? escape_text(text[0]) : escape_json(text));
    }
}

std::size_t LogLine::escape_text(char c) {
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[] = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    whole({escaped, sizeof escaped});
    return 1;
}

std::size_t LogLine::escape_json(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte >= 0x80) {
        const std::size_t length = utf8_length(text);
        whole(length == 0 ? kReplacement : text.substr(0, length));
        return std::max<std::size_t>(length, 1);
    }
    switch (text[0]) {
        case '"':
            whole("\\\"");
            break;
        case '\\':
            whole("\\\\");
            break;
        case '\n':
            whole("\\n");
            break;
        case '\r':
            whole("\\r");
            break;
        case '\t':
            whole("\\t");
            break;
        default: {
            const char escaped[] = {'\\', 'u', '0', '0', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
            whole({escaped, sizeof escaped});
        }
    }
    return 1;
}

}  // namespace gantry::server
