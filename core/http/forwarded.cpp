#include "core/http/forwarded.hpp"

#include "core/base/field_syntax.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

namespace gantry::http {

namespace {

constexpr std::size_t kMaxAddress = 45;
constexpr std::size_t kMaxPort = 32;

bool is_address(std::string_view text, int family) {
    char terminated[kMaxAddress + 1] = {};
    if (text.empty() || text.size() > kMaxAddress || text.find('\0') != text.npos) return false;
    std::memcpy(terminated, text.data(), text.size());
    in6_addr address;  // the larger of the two
    return ::inet_pton(family, terminated, &address) == 1;
}

// As a token where it is one, else as a quoted string.
std::string_view quoted(std::string_view text, Arena& arena) {
    if (is_token(text)) return text;
    char* const begin = static_cast<char*>(arena.allocate(text.size() * 2 + 2, 1));
    char* to = begin;
    *to++ = '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') *to++ = '\\';
        // A control byte could end the field; it means nothing here.
        *to++ = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
    *to++ = '"';
    return {begin, static_cast<std::size_t>(to - begin)};
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= kMaxPort && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || is_alpha(c) || c == '_';  // RFC 7239 6: a port may be hidden as "_x"
    });
}

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

// The address that the "for" parameter of an element names.
std::string_view for_address(std::string_view element) {
    std::string_view address;
    bool found = false;
    while (!element.empty()) {
        // Nothing that we look for has a ";" in quotes; a quoted one splits into rubbish that is skipped.
        const std::size_t end = element.find(';');
        const std::string_view pair = trim(element.substr(0, end));
        element = end == element.npos ? std::string_view{} : element.substr(end + 1);
        if (!starts_with_ignore_case(pair, "for=")) continue;
        if (found) return {};  // RFC 7239 4: at most once
        found = true;
        address = node_address(pair.substr(4));
    }
    return address;
}

// Where the last element begins: behind the last comma that is not within quotes.
std::size_t last_element(std::string_view list) {
    bool in_quotes = false;
    for (std::size_t i = list.size(); i-- > 0;) {
        if (list[i] == '"') {
            std::size_t slashes = 0;
            while (slashes < i && list[i - 1 - slashes] == '\\') ++slashes;
            if (slashes % 2 == 0) in_quotes = !in_quotes;
            i -= slashes;
        } else if (list[i] == ',' && !in_quotes) {
            return i + 1;
        }
    }
    return 0;
}

}  // namespace

std::string_view forwarded_element(std::string_view client, std::string_view proto, std::string_view host,
                                   Arena& arena) {
    std::string_view element = "for=unknown";
    if (is_address(client, AF_INET)) {
        element = arena.join("for=", client);
    } else if (is_address(client, AF_INET6)) {
        element = arena.join("for=\"[", client, "]\"");
    }
    if (!proto.empty()) element = arena.join(element, ";proto=", quoted(proto, arena));
    if (!host.empty()) element = arena.join(element, ";host=", quoted(host, arena));
    return element;
}

std::string_view append_forwarded(std::string_view before, std::string_view element, Arena& arena) {
    before = trim(before);
    return before.empty() ? element : arena.join(before, ", ", element);
}

std::string_view node_address(std::string_view node) {
    node = unquoted(trim(node));
    if (!node.empty() && node.front() == '[') {
        const std::size_t close = node.find(']');
        if (close == node.npos) return {};
        const std::string_view rest = node.substr(close + 1);
        if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return {};
        const std::string_view address = node.substr(1, close - 1);
        return is_address(address, AF_INET6) ? address : std::string_view{};
    }
    if (is_address(node, AF_INET6)) return node;
    const std::size_t colon = node.find(':');
    if (colon != node.npos && !is_port(node.substr(colon + 1))) return {};
    const std::string_view address = node.substr(0, colon);
    return is_address(address, AF_INET) ? address : std::string_view{};
}

bool ForwardedReader::next(std::string_view& address) {
    while (!rest_.empty()) {
        // X-Forwarded-For knows no quotes, so that a stray one cannot hide a comma.
        const std::size_t comma = rest_.rfind(',');
        const std::size_t begin = field_ == ForwardedField::Forwarded ? last_element(rest_)
                                  : comma == rest_.npos               ? 0
                                                                      : comma + 1;
        const std::string_view element = trim(rest_.substr(begin));
        rest_ = rest_.substr(0, begin == 0 ? 0 : begin - 1);
        if (element.empty()) continue;
        address = field_ == ForwardedField::Forwarded ? for_address(element) : node_address(element);
        return true;
    }
    return false;
}

}  // namespace gantry::http
