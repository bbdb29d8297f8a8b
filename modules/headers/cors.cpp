#include "cors.hpp"

#include "field_syntax.hpp"

#include <algorithm>

namespace headers {
namespace {

constexpr std::size_t kMostOrigin = 512;  // bytes; a name of a host has 253 at most

bool is_lower_alpha(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// As browsers write it: lower case, names in the encoding of IDNA.
bool is_host(std::string_view host) {
    if (host.starts_with('[')) {
        return host.size() > 3 && host.ends_with(']') &&
               host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
    }
    if (host.empty() || host.starts_with('.') || host.find("..") != host.npos) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return is_lower_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

bool is_port(std::string_view port) {
    return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

// "www.example.com:8443", "[::1]".
bool is_authority(std::string_view text) {
    const auto bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == text.npos) return false;
    const auto colon = text.find(':', bracket);
    if (!is_host(text.substr(0, colon))) return false;
    return colon == text.npos || is_port(text.substr(colon + 1));
}

bool is_scheme(std::string_view text) {
    return !text.empty() && is_lower_alpha(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
        return is_lower_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
}

// "https://", "www.example.com".
struct Parts {
    std::string_view scheme;
    std::string_view authority;
};
Parts split(std::string_view origin) {
    const auto end = origin.find("://");
    if (end == origin.npos) return {};
    return {origin.substr(0, end + 3), origin.substr(end + 3)};
}

void add_element(std::string& list, std::string_view element) {
    if (!list.empty()) list += ", ";
    list += element;
}

bool is_forbidden_method(std::string_view method) {
    return is_same(method, "CONNECT") || is_same(method, "TRACE") || is_same(method, "TRACK");
}

Problem other_case(const std::string& method, const std::string& upper) {
    return {"methods", "\"" + method + "\" is not " + upper + ": methods have a case",
            "write \"" + upper + "\""};
}

std::string method_list(const std::vector<std::string>& methods, Problems& problems) {
    std::string list;
    for (const std::string& method : methods) {
        std::string upper;
        for (const char c : method) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        if (!is_token(method)) {
            problems.push_back(
                {"methods", "\"" + method + "\" is no method", "for example: methods = [\"PUT\"]"});
        } else if (is_forbidden_method(method)) {
            problems.push_back({"methods", "no page may use " + upper, "take it out"});
        } else if (upper != method) {
            problems.push_back(other_case(method, upper));
        }
        add_element(list, method);
    }
    return list;
}

std::string field_list(const char* key, const std::vector<std::string>& names, Problems& problems) {
    std::string list;
    for (const std::string& name : names) {
        if (!is_token(name)) {
            problems.push_back({key, "\"" + name + "\" is no name of a field",
                                std::string("for example: ") + key + " = [\"X-Request-Id\"]"});
        }
        add_element(list, name);
    }
    return list;
}

}  // namespace

// ---- origins

std::string Origins::fault_of(std::string_view text) {
    if (text == "null") return {};
    const Parts parts = split(text);
    if (parts.scheme.empty()) return "it has no scheme: write https:// before it";
    std::string small{text};
    std::transform(small.begin(), small.end(), small.begin(), lower);
    if (small != text) return "browsers write it in lower case: " + small;
    if (!is_scheme(parts.scheme.substr(0, parts.scheme.size() - 3))) return "its scheme is none";
    const auto slash = parts.authority.find('/');
    if (slash != parts.authority.npos)
        return "an origin has no path: write " + std::string(text.substr(0, parts.scheme.size() + slash));
    const bool is_pattern = parts.authority.starts_with("*.");
    const std::string_view host = is_pattern ? parts.authority.substr(2) : parts.authority;
    if (host.find('*') != host.npos)
        return "a star stands for the first labels of a host: https://*.example.com";
    if (!is_authority(host)) return "it has no proper host";
    const bool is_default = (parts.scheme == "https://" && host.ends_with(":443")) ||
                            (parts.scheme == "http://" && host.ends_with(":80"));
    if (is_default) return "browsers leave out the port that the scheme implies";
    return {};
}

void Origins::add(std::string_view text) {
    const Parts parts = split(text);
    if (parts.authority.starts_with("*.")) {
        patterns_.push_back({std::string(parts.scheme), std::string(parts.authority.substr(1))});
        return;
    }
    const auto place = std::lower_bound(exact_.begin(), exact_.end(), text);
    if (place == exact_.end() || *place != text) exact_.emplace(place, text);
}

bool Origins::allow(std::string_view origin) const {
    if (origin.empty() || origin.size() > kMostOrigin) return false;
    const auto place = std::lower_bound(exact_.begin(), exact_.end(), origin);
    if (place != exact_.end() && *place == origin) return true;
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
        if (!origin.starts_with(pattern.scheme) || !origin.ends_with(pattern.suffix)) return false;
        if (origin.size() <= pattern.scheme.size() + pattern.suffix.size()) return false;
        const std::string_view labels = origin.substr(
            pattern.scheme.size(), origin.size() - pattern.scheme.size() - pattern.suffix.size());
        return labels.find_first_of(":[]") == labels.npos && is_host(labels) && !labels.ends_with('.');
    });
}

// ---- answers

Cors Cors::make(const CorsSettings& settings, Problems& problems) {
    Cors made;
    made.credentials_ = settings.credentials;
    made.private_network_ = settings.private_network;
    for (const std::string& origin : settings.origins) {
        if (origin == "*") {
            made.allows_all_ = true;
            if (settings.credentials) {
                problems.push_back({"origins", "with credentials every site could act as its visitors",
                                    "name the origins, or take \"credentials\" out"});
            } else if (settings.origins.size() > 1) {
                problems.push_back({"origins", "\"*\" allows all origins, and others stand beside it",
                                    "take one or the other out"});
            }
            continue;
        }
        if (const std::string fault = Origins::fault_of(origin); !fault.empty()) {
            problems.push_back({"origins", "\"" + origin + "\" is no origin", fault});
        } else if (origin == "null" && settings.credentials) {
            problems.push_back({"origins", "any site can make pages whose origin is null",
                                "take it out, or take \"credentials\" out"});
        }
        made.origins_.add(origin);
    }
    made.methods_ = method_list(settings.methods, problems);
    made.headers_ = field_list("headers", settings.headers, problems);
    made.expose_ = field_list("expose", settings.expose, problems);
    if (settings.credentials) {
        // Fetch takes a star for a name then.
        const auto refuse = [&](const char* key, const std::string& list) {
            if (!has_element(list, "*")) return;
            problems.push_back(
                {key, "with credentials a star is no more than a name", "name what is allowed"});
        };
        refuse("methods", made.methods_);
        refuse("headers", made.headers_);
        refuse("expose", made.expose_);
    }
    made.max_age_ = std::to_string(settings.max_age.count());
    return made;
}

CorsAnswer Cors::answer(const CorsRequest& request) const {
    CorsAnswer answer;
    const bool is_preflight = request.is_preflight();
    if (is_preflight) {
        answer.vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    } else if (!allows_all_) {
        answer.vary = "Origin";
    }
    if (allows_all_) {
        answer.origin = "*";
    } else if (origins_.allow(request.origin)) {
        answer.origin = request.origin;
    } else {
        return answer;
    }
    if (credentials_) answer.credentials = "true";
    if (!is_preflight) {
        answer.expose = expose_;
        return answer;
    }
    answer.methods = methods_;
    answer.headers = headers_;
    answer.max_age = max_age_;
    if (private_network_ && request.asks_for_private_network) answer.private_network = "true";
    return answer;
}

}  // namespace headers
