#include "core/http/uri.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>

namespace gantry::http {

namespace {

constexpr std::size_t kMaxHost = 255;
constexpr std::size_t kMaxIpv6 = 45;

constexpr std::uint8_t kRegName = 1;  // unreserved and sub-delims of RFC 3986
constexpr std::uint8_t kDot = 2;      // beside kRegName

constexpr std::array<std::uint8_t, 256> kClasses = [] {
    std::array<std::uint8_t, 256> classes{};
    for (const char c : std::string_view("-._~!$&'()*+,;=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz")) {
        classes[static_cast<unsigned char>(c)] = kRegName;
    }
    classes['.'] |= kDot;
    return classes;
}();

constexpr std::uint8_t class_of(char c) {
    return kClasses[static_cast<unsigned char>(c)];
}

bool is_escape(std::string_view text, std::size_t at) {
    return text.size() - at >= 3 && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0;
}

char escaped_octet(std::string_view text, std::size_t at) {
    return static_cast<char>(hex_value(text[at + 1]) << 4 | hex_value(text[at + 2]));
}

// Is "%" at `at` one that normalize_path() writes with EncodedSlash::Keep: "%2F", "%5C", "%252F", "%255C"?
bool is_kept_escape(std::string_view path, std::size_t at) {
    std::string_view rest = path.substr(at + 1);
    if (starts_with_ignore_case(rest, "25")) rest.remove_prefix(2);
    return starts_with_ignore_case(rest, "2F") || starts_with_ignore_case(rest, "5C");
}

bool is_ipv6(std::string_view text) {
    char terminated[kMaxIpv6 + 1] = {};
    if (text.size() > kMaxIpv6) return false;
    for (const char c : text) {
        if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    }
    std::memcpy(terminated, text.data(), text.size());
    in6_addr address;
    return ::inet_pton(AF_INET6, terminated, &address) == 1;
}

bool is_port(std::string_view text) {
    if (text.size() > 5) return false;
    unsigned value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value <= 65535;
}

// How many bytes at the start of `text` are a reg-name; 0 when it has an empty label: no name has them, and
// "." or ".." must never become part of a path of files.
std::size_t reg_name_size(std::string_view text) {
    unsigned two_dots = 0;
    unsigned before = kDot;
    std::size_t size = 0;
    for (; text.size() - size >= 4; size += 4) {
        const unsigned a = class_of(text[size]);
        const unsigned b = class_of(text[size + 1]);
        const unsigned c = class_of(text[size + 2]);
        const unsigned d = class_of(text[size + 3]);
        if ((a & b & c & d) == 0) break;
        two_dots |= (a & before) | (b & a) | (c & b) | (d & c);
        before = d;
    }
    for (; size < text.size(); ++size) {
        const unsigned now = class_of(text[size]);
        if (now == 0) break;
        two_dots |= now & before;
        before = now;
    }
    return (two_dots & kDot) == 0 && size <= kMaxHost ? size : 0;
}

bool split_authority(std::string_view text, Authority& authority) {
    std::string_view rest;
    if (!text.empty() && text.front() == '[') {
        const std::size_t close = text.find(']');
        if (close == text.npos) return false;
        authority.host = text.substr(1, close - 1);
        authority.is_ipv6 = true;
        rest = text.substr(close + 1);
        if (!is_ipv6(authority.host)) return false;
    } else {
        const std::size_t size = reg_name_size(text);
        if (size == 0) return false;
        authority.host = text.substr(0, size);
        rest = text.substr(size);
    }
    if (rest.empty()) return true;
    authority.port = rest.substr(1);
    return rest.front() == ':' && is_port(authority.port);
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
    Authority authority;
    if (split_authority(text, authority)) return authority;
    return fail(Code::BadRequest, Side::Client, "because the authority is not valid");
}

bool is_authority(std::string_view text) {
    Authority authority;
    return split_authority(text, authority);
}

bool query_value(std::string_view query, std::string_view name, std::string_view& value) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (pair.substr(0, equals) == name && !pair.empty()) {
            value = equals == pair.size() ? pair.substr(equals) : pair.substr(equals + 1);
            return true;
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return false;
}

std::string_view percent_decode(std::string_view text, bool plus_is_space, Arena& arena) {
    const std::size_t first = plus_is_space ? text.find_first_of("%+") : text.find('%');
    if (first == text.npos) return text;
    char* const begin = static_cast<char*>(arena.allocate(text.size(), 1));
    char* to = std::copy_n(text.begin(), first, begin);
    for (std::size_t i = first; i < text.size(); ++i) {
        if (text[i] == '%' && is_escape(text, i)) {
            *to++ = escaped_octet(text, i);
            i += 2;
        } else {
            *to++ = plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return {begin, static_cast<std::size_t>(to - begin)};
}

std::string_view percent_encode_path(std::string_view path, Arena& arena, EncodedSlash encoded) {
    constexpr char kHex[] = "0123456789ABCDEF";
    const auto stays = [&](std::size_t at) {
        const char c = path[at];
        if ((class_of(c) & kRegName) != 0 || c == '/' || c == ':' || c == '@') return true;
        return encoded == EncodedSlash::Keep && c == '%' && is_kept_escape(path, at);
    };
    std::size_t escapes = 0;
    for (std::size_t i = 0; i < path.size(); ++i) escapes += stays(i) ? 0 : 1;
    if (escapes == 0) return path;
    char* const begin = static_cast<char*>(arena.allocate(path.size() + 2 * escapes, 1));
    char* to = begin;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (stays(i)) {
            *to++ = path[i];
            continue;
        }
        const auto octet = static_cast<unsigned char>(path[i]);
        *to++ = '%';
        *to++ = kHex[octet >> 4];
        *to++ = kHex[octet & 15];
    }
    return {begin, static_cast<std::size_t>(to - begin)};
}

}  // namespace gantry::http
