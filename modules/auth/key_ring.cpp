#include "key_ring.hpp"

#include "bytes.hpp"
#include "fingerprint.hpp"
#include "users.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace auth {
namespace {

// All of `text`, in digits alone.
std::optional<int> number_of(std::string_view text) {
    int number = 0;
    if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> parse_day(std::string_view text) {
    using namespace std::chrono;
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto y = number_of(text.substr(0, 4));
    const auto m = number_of(text.substr(5, 2));
    const auto d = number_of(text.substr(8, 2));
    if (!y || !m || !d) return std::nullopt;
    const year_month_day day{year{*y}, month{static_cast<unsigned>(*m)},
                             std::chrono::day{static_cast<unsigned>(*d)}};
    if (!day.ok()) return std::nullopt;
    return std::int64_t{sys_days(day).time_since_epoch().count()} * 86400;
}

std::optional<std::int64_t> parse_hour(std::string_view text) {
    if (text.size() != 9 || text[2] != ':' || text[5] != ':' || text[8] != 'Z') return std::nullopt;
    const auto h = number_of(text.substr(0, 2));
    const auto m = number_of(text.substr(3, 2));
    const auto s = number_of(text.substr(6, 2));
    if (!h || !m || !s || *h > 23 || *m > 59 || *s > 59) return std::nullopt;
    return *h * 3600 + *m * 60 + *s;
}

// "groups=a,b", "scopes=c", "expires=2027-01-31". False: it is none.
bool take_option(std::string_view option, Identity& identity, std::string& expires) {
    const std::string_view name = next_part(option, '=');
    if (name == "groups")
        identity.groups = split(option, ',');
    else if (name == "scopes")
        identity.scopes = split(option, ',');
    else if (name == "expires")
        expires = option;
    else
        return false;
    return !option.empty();
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            if (const auto byte = from_hex(text.substr(i + 1, 2))) {
                out += *byte;
                i += 2;
                continue;
            }
        }
        out += text[i] == '+' ? ' ' : text[i];
    }
    return out;
}

}  // namespace

std::string KeyRing::add(Identity identity, std::string_view digest, std::string_view expires) {
    if (!is_user_name(identity.user)) return "its name is none: it has no colon and no control bytes";
    const auto bytes = from_hex(digest);
    // Without what is there: it may be the key itself.
    if (!bytes || bytes->size() != 32)
        return "its hash is no SHA-256 in 64 hexadecimal digits; printf %s KEY | sha256sum prints one";
    ApiKey key;
    if (!expires.empty()) {
        const auto time = parse_time(expires);
        if (!time)
            return "\"" + std::string(expires) +
                   "\" is no day as 2027-01-31, and no time as 2027-01-31T12:00:00Z";
        key.expires = *time;
    }
    key.identity = std::make_shared<const Identity>(std::move(identity));
    Digest place = {};
    std::copy(bytes->begin(), bytes->end(), place.begin());
    return keys_.try_emplace(place, std::move(key)).second ? "" : "the same key is here a second time";
}

const ApiKey* KeyRing::find(std::string_view key) const {
    const auto at = keys_.find(sha256(key));
    return at == keys_.end() ? nullptr : &at->second;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    const auto day = parse_day(text.substr(0, 10));
    if (!day) return std::nullopt;
    if (text.size() == 10) return *day + 86400;
    if (text[10] != 'T') return std::nullopt;
    const auto hour = parse_hour(text.substr(11));
    return hour ? std::optional(*day + *hour) : std::nullopt;
}

Parsed<KeyRing> parse_keys(std::string_view text) {
    Parsed<KeyRing> parsed;
    each_line(text, [&](std::string_view line, std::size_t number) {
        std::string_view first = next_part(line, ' ');
        if (first.find(':') == first.npos) {
            parsed.fault(number,
                         "there is no colon; a line is ID:SHA256, and behind it groups=, scopes=, expires=");
            return;
        }
        Identity identity;
        identity.user = next_part(first, ':');
        const std::string name = identity.user;
        std::string expires;
        for (const std::string& option : split(line, ' ')) {
            if (take_option(option, identity, expires)) continue;
            parsed.fault(number, "\"" + option + "\" is none of groups=, scopes= and expires=");
            return;
        }
        if (const std::string fault = parsed.content.add(std::move(identity), first, expires); !fault.empty())
            parsed.fault(number, "the key " + name + " cannot be used: " + fault);
    });
    return parsed;
}

std::optional<std::string> parameter_of(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        std::string_view pair = next_part(query, '&');
        if (decoded(next_part(pair, '=')) == name) return decoded(pair);
    }
    return std::nullopt;
}

}  // namespace auth
