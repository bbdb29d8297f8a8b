#include "core/conf/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace gantry::conf {
namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

// Rough, as every such table: what editors and terminals agree on.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},  {0x3400, 0x4DBF},
                           {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                           {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                           {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr Range kEmpty[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

bool is_in(std::uint32_t code, const Range* begin, const Range* end) {
    return std::any_of(begin, end, [code](Range r) { return code >= r.first && code <= r.last; });
}

std::uint32_t decode(std::string_view character) {
    const auto byte = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    switch (character.size()) {
        case 2:
            return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
        case 3:
            return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
        case 4:
            return (byte(0) & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
                   (byte(3) & 0x3Fu);
        default:
            return byte(0);
    }
}

}  // namespace

std::size_t utf8_step(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t want = first < 0x80                     ? 1
                             : first >= 0xC2 && first <= 0xDF ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 1;
    if (want == 1 || text.size() < want) return 1;
    for (std::size_t i = 1; i < want; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 1;
    }
    const std::uint32_t code = decode(text.substr(0, want));
    const bool overlong = (want == 3 && code < 0x800) || (want == 4 && code < 0x10000);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return overlong || surrogate || code > 0x10FFFF ? 1 : want;
}

std::size_t find_non_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            ++at;
            continue;
        }
        const std::size_t step = utf8_step(text.substr(at));
        if (step == 1) return at;
        at += step;
    }
    return text.npos;
}

int utf8_width(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) {
        if (first == '\t') return 1;
        return first < 0x20 || first >= 0x7F ? -1 : 1;
    }
    const std::uint32_t code = decode(character);
    if (code < 0xA0) return -1;  // C1 controls
    if (is_in(code, std::begin(kEmpty), std::end(kEmpty))) return 0;
    return is_in(code, std::begin(kWide), std::end(kWide)) ? 2 : 1;
}

}  // namespace gantry::conf
