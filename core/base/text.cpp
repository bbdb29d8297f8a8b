#include "core/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace gantry {

namespace {

constexpr std::uint64_t each_byte(std::uint64_t value) {
    return value * 0x0101010101010101;
}

// to_lower() of eight bytes at once: the high bit of each sum says how a byte compares.
std::uint64_t lower_word(std::uint64_t word) {
    const std::uint64_t low = word & each_byte(0x7F);
    const std::uint64_t from_a = low + each_byte(0x80 - 'A');
    const std::uint64_t above_z = low + each_byte(0x7F - 'Z');
    return word | ((from_a & ~above_z & ~word & each_byte(0x80)) >> 2);
}

bool is_same_word(const char* a, const char* b) {
    std::uint64_t x;
    std::uint64_t y;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&y, b, sizeof y);
    return lower_word(x) == lower_word(y);
}

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    if (a.size() != b.size()) return false;
    if (a.size() < kWord) {
        return std::equal(a.begin(), a.end(), b.begin(),
                          [](char x, char y) { return to_lower(x) == to_lower(y); });
    }
    const std::size_t last = a.size() - kWord;
    for (std::size_t at = 0; at < last; at += kWord) {
        if (!is_same_word(a.data() + at, b.data() + at)) return false;
    }
    return is_same_word(a.data() + last, b.data() + last);
}

bool starts_with_ignore_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equals_ignore_case(text.substr(0, prefix.size()), prefix);
}

std::string lower_case(std::string_view text) {
    std::string lower(text.size(), '\0');
    lower_case_into(lower.data(), text);
    return lower;
}

void lower_case_into(char* to, std::string_view text) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const char* from = text.data();
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, from += 8, to += 8) {
        std::uint64_t bytes;
        std::memcpy(&bytes, from, 8);
        // The highest bit of each byte of the sums says whether its lower seven bits reach 'A' and pass 'Z'.
        const std::uint64_t low = bytes & (0x7f * kOnes);
        const std::uint64_t from_a = low + (0x80 - 'A') * kOnes;
        const std::uint64_t past_z = low + (0x7f - 'Z') * kOnes;
        const std::uint64_t upper = from_a & ~past_z & ~bytes & (0x80 * kOnes);
        bytes |= upper >> 2;  // 0x80 becomes 0x20
        std::memcpy(to, &bytes, 8);
    }
    for (; left > 0; --left) *to++ = to_lower(*from++);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace gantry
