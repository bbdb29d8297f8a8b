#include "rules.hpp"

#include "field_syntax.hpp"

#include <algorithm>

namespace compression {
namespace {

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        const char small = lower(c);
        return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' ||
               c == '_';
    });
}

bool fits(std::string_view pattern, std::string_view type) {
    if (pattern.ends_with("/*")) {
        const std::string_view start = pattern.substr(0, pattern.size() - 1);
        return type.size() > start.size() && is_same(type.substr(0, start.size()), start);
    }
    if (pattern.starts_with("*+")) {
        const std::string_view end = pattern.substr(1);
        return type.size() > end.size() && is_same(type.substr(type.size() - end.size()), end);
    }
    return is_same(pattern, type);
}

// What a browser adds by itself; a token that a program has to know is not.
bool is_ambient(std::string_view authorization) {
    const std::string_view scheme = authorization.substr(0, authorization.find(' '));
    return is_same(scheme, "Basic") || is_same(scheme, "Digest") || is_same(scheme, "Negotiate") ||
           is_same(scheme, "NTLM");
}

}  // namespace

bool Types::is_pattern(std::string_view text) {
    if (text.starts_with("*+")) return is_word(text.substr(2));
    const auto slash = text.find('/');
    if (slash == text.npos || !is_word(text.substr(0, slash))) return false;
    return text.substr(slash + 1) == "*" || is_word(text.substr(slash + 1));
}

bool Types::contain(std::string_view content_type) const {
    const std::string_view type = media_type(content_type);
    return !type.empty() && std::any_of(patterns_.begin(), patterns_.end(),
                                        [&](const std::string& pattern) { return fits(pattern, type); });
}

std::string_view media_type(std::string_view content_type) {
    return trimmed(content_type.substr(0, content_type.find(';')));
}

bool is_compressible(const Response& response, const Types& types) {
    const int status = response.status;
    if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304) return false;
    if (response.has_content_range || response.size == 0) return false;
    if (!response.content_encoding.empty() && !is_same(response.content_encoding, "identity")) return false;
    return types.contain(response.content_type) && !has_element(response.cache_control, "no-transform");
}

bool is_attackable(const Asker& asker, std::string_view cache_control) {
    if (!asker.has_cookie && !is_ambient(asker.authorization)) return false;
    if (has_element(cache_control, "public")) return false;  // the same for everybody
    if (!asker.site.empty()) {
        if (asker.site == "same-origin" || asker.site == "same-site" || asker.site == "none") return false;
        return asker.user != "?1";  // a visitor who follows a link does it once
    }
    // Browsers that do not say it, and programs.
    const std::string_view from = asker.origin.empty() ? asker.referer : asker.origin;
    return from.empty() || !is_same(host_of(from), asker.host);
}

std::string_view host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == url.npos) return {};
    std::string_view authority = url.substr(scheme + 3);
    authority = authority.substr(0, authority.find_first_of("/?#\\"));
    if (authority.find('@') != authority.npos) return {};
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        return end == authority.npos ? std::string_view{} : authority.substr(0, end + 1);
    }
    return authority.substr(0, authority.find(':'));
}

bool has_weak_form(std::string_view list, std::string_view tag) {
    if (!tag.starts_with('"')) return false;
    bool has_weak = false;
    bool has_strong = false;
    each_element(list, ',', [&](std::string_view one) {
        has_strong = has_strong || one == tag;
        has_weak = has_weak || (one.starts_with("W/") && one.substr(2) == tag);
    });
    return has_weak && !has_strong;
}

}  // namespace compression
