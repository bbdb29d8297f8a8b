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

// unreserved and sub-delims of RFC 3986.
constexpr std::array<bool, 256> kRegName = [] {
    std::array<bool, 256> allowed{};
    for (const char c : std::string_view("-._~!$&'()*+,;=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz")) {
        allowed[static_cast<unsigned char>(c)] = true;
    }
    return allowed;
}();

tl::unexpected<Error> bad_authority() {
    return fail(Code::BadRequest, Side::Client, "because the authority is not valid");
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

// Empty labels are refused: no name has them, and "." or ".." must never become part of a path of files.
bool is_reg_name(std::string_view host) {
    if (host.empty() || host.size() > kMaxHost) return false;
    char before = '.';
    for (const char c : host) {
        if (!kRegName[static_cast<unsigned char>(c)] || (c == '.' && before == '.')) return false;
        before = c;
    }
    return true;
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
    Authority authority;
    std::string_view rest;
    if (!text.empty() && text.front() == '[') {
        const std::size_t close = text.find(']');
        if (close == text.npos) return bad_authority();
        authority.host = text.substr(1, close - 1);
        authority.is_ipv6 = true;
        rest = text.substr(close + 1);
        if (!is_ipv6(authority.host)) return bad_authority();
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        authority.host = text.substr(0, colon);
        rest = text.substr(colon);
        if (!is_reg_name(authority.host)) return bad_authority();
    }
    if (rest.empty()) return authority;
    if (rest.front() != ':' || !is_port(rest.substr(1))) return bad_authority();
    authority.port = rest.substr(1);
    return authority;
}

}  // namespace gantry::http
