#include "core/server/secrets.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace gantry::server {

namespace {

constexpr std::size_t kMaxName = 64;  // what lies behind is not looked at

constexpr std::string_view kWholeNames[] = {"key",  "pwd", "pass", "sid",     "sig",      "jwt",
                                            "auth", "otp", "pin",  "session", "sessionid"};

// Lower case, decoded, "-" as "_". Returns its size.
std::size_t normal_form(std::string_view name, char* to) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < name.size() && size < kMaxName; ++i) {
        char c = name[i];
        if (c == '%' && i + 2 < name.size() && hex_value(name[i + 1]) >= 0 && hex_value(name[i + 2]) >= 0) {
            c = static_cast<char>(hex_value(name[i + 1]) << 4 | hex_value(name[i + 2]));
            i += 2;
        }
        to[size++] = c == '-' ? '_' : to_lower(c);
    }
    return size;
}

// One pass over the name; the words are told apart by their first letter.
bool has_secret_word(std::string_view name) {
    for (std::size_t i = 0; i + 5 <= name.size(); ++i) {
        const std::string_view rest = name.substr(i);
        switch (rest[0]) {
            case 'a':
                if (rest.starts_with("api_key") || rest.starts_with("apikey") ||
                    rest.starts_with("access_key") || rest.starts_with("authoriz"))
                    return true;
                break;
            case 'c':
                if (rest.starts_with("credential")) return true;
                break;
            case 'p':
                if (rest.starts_with("passw") || rest.starts_with("passphrase") ||
                    rest.starts_with("private_key"))
                    return true;
                break;
            case 's':
                if (rest.starts_with("secret") || rest.starts_with("signature")) return true;
                break;
            case 't':
                if (rest.starts_with("token")) return true;
                break;
            default:
                break;
        }
    }
    return false;
}

}  // namespace

bool is_secret_parameter(std::string_view name) {
    char buffer[kMaxName];
    const std::string_view normal(buffer, normal_form(name, buffer));
    return std::find(std::begin(kWholeNames), std::end(kWholeNames), normal) != std::end(kWholeNames) ||
           has_secret_word(normal);
}

bool is_same_parameter(std::string_view parameter, std::string_view name) {
    char one[kMaxName];
    char other[kMaxName];
    return std::string_view(one, normal_form(parameter, one)) ==
           std::string_view(other, normal_form(name, other));
}

bool is_secret_field(std::string_view name) {
    char buffer[kMaxName];
    const std::string_view normal(buffer, normal_form(name, buffer));
    return has_secret_word(normal) || normal.find("cookie") != normal.npos;
}

std::string_view masked_uri(std::string_view uri, Arena& arena) {
    std::string_view masked;  // what lies before `begin`, when something had to be masked
    std::size_t begin = 0;
    std::size_t at = uri.find('?');
    while (at != uri.npos) {
        const std::size_t end = std::min(uri.find('&', at + 1), uri.size());
        const std::string_view pair = uri.substr(at + 1, end - at - 1);
        const auto equals = pair.find('=');
        if (equals != pair.npos && equals + 1 < pair.size() && is_secret_parameter(pair.substr(0, equals))) {
            masked = arena.join(masked, uri.substr(begin, at + 1 + equals + 1 - begin), "***");
            begin = end;
        }
        at = end < uri.size() ? end : uri.npos;
    }
    return begin == 0 ? uri : arena.join(masked, uri.substr(begin));
}

}  // namespace gantry::server
