#include "bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <openssl/crypto.h>

namespace auth {
namespace {

int digit_of(char c, Alphabet alphabet) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == (alphabet == Alphabet::Url ? '-' : '+')) return 62;
    if (c == (alphabet == Alphabet::Url ? '_' : '/')) return 63;
    return -1;
}

int hex_digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

template <class Map>
bool are_equal(std::string_view a, std::string_view b, Map&& map) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return map(x) == map(y); });
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text, Alphabet alphabet) {
    const std::size_t size = text.size();
    while (text.ends_with('=') && size - text.size() < 2) text.remove_suffix(1);
    const bool is_padded = text.size() != size;
    if ((is_padded || alphabet == Alphabet::Standard) && size % 4 != 0) return std::nullopt;
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int digit = digit_of(c, alphabet);
        if (digit < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xff);
    }
    // One text for one value: what is left over carries nothing.
    if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit_of(text[i]);
        const int low = hex_digit_of(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high << 4 | low);
    }
    return out;
}

bool is_equal_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && are_equal(a, b, lower);
}

bool is_same_variable(std::string_view a, std::string_view b) {
    return a.size() == b.size() && are_equal(a, b, [](char c) { return c == '_' ? '-' : lower(c); });
}

bool is_field_name(std::string_view text) {
    return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::string_view part = trimmed(next_part(text, separator));
        if (!part.empty()) parts.emplace_back(part);
    }
    return parts;
}

std::string_view next_part(std::string_view& text, char separator) {
    const std::size_t at = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return part;
}

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return out + '"';
}

}  // namespace auth
