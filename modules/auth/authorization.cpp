#include "authorization.hpp"

#include "bytes.hpp"

#include <algorithm>
#include <openssl/crypto.h>

namespace auth {

std::optional<std::string_view> credentials_of(std::string_view field, std::string_view scheme) {
    if (field.size() < scheme.size() || !is_same_name(field.substr(0, scheme.size()), scheme))
        return std::nullopt;
    const std::string_view rest = field.substr(scheme.size());
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
    return trimmed(rest);
}

BasicCredentials::~BasicCredentials() {
    OPENSSL_cleanse(password.data(), password.size());
}

std::optional<BasicCredentials> parse_basic(std::string_view credentials) {
    constexpr std::size_t kMost = 4096;
    if (credentials.size() > kMost) return std::nullopt;
    std::optional<std::string> text = from_base64(credentials, Alphabet::Standard);
    if (!text) return std::nullopt;
    const std::size_t colon = text->find(':');
    // RFC 7617 2: no control bytes in either.
    const bool has_control = std::any_of(
        text->begin(), text->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    std::optional<BasicCredentials> found;
    if (colon != text->npos && !has_control) {
        found.emplace();
        found->user = text->substr(0, colon);
        found->password = text->substr(colon + 1);
    }
    OPENSSL_cleanse(text->data(), text->size());
    return found;
}

bool is_bearer_token(std::string_view credentials, std::size_t most) {
    if (credentials.empty() || credentials.size() > most) return false;
    return std::all_of(credentials.begin(), credentials.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~+/=").find(c) != std::string_view::npos;
    });
}

std::optional<std::string_view> cookie_of(std::string_view field, std::string_view name) {
    while (!field.empty()) {
        std::string_view pair = trimmed(next_part(field, ';'));
        const std::string_view found = next_part(pair, '=');
        if (found == name) return pair;
    }
    return std::nullopt;
}

int cookie_count(std::string_view field, std::string_view name) {
    int count = 0;
    while (!field.empty()) {
        std::string_view pair = trimmed(next_part(field, ';'));
        if (!pair.empty() && next_part(pair, '=') == name) ++count;
    }
    return count;
}

std::string without_cookie(std::string_view field, std::string_view name) {
    std::string left;
    while (!field.empty()) {
        const std::string_view pair = trimmed(next_part(field, ';'));
        std::string_view rest = pair;
        if (pair.empty() || next_part(rest, '=') == name) continue;
        if (!left.empty()) left += "; ";
        left += pair;
    }
    return left;
}

}  // namespace auth
