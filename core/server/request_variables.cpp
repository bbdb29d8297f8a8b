#include "core/server/request_variables.hpp"

#include "core/http/uri.hpp"
#include "core/server/cookie.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

namespace gantry::server {

namespace {

// "00" to "99".
constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 100> pairs{};
    for (unsigned i = 0; i < pairs.size(); ++i)
        pairs[i] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    return pairs;
}();

char* write_digits(char* to, unsigned number, unsigned digits) {
    for (unsigned i = digits; i > 0; --i) {
        to[i - 1] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

// Not inlined are what needs a frame, for which the ordinary variables would pay as well.

// Path and query; they lie behind one another but for an absolute form without a path ("http://h?x").
[[gnu::noinline]] std::string_view whole_uri(const http::RequestHead& head, Arena& arena) {
    const std::string_view target = head.target;
    if (target.starts_with('/') && target.size() == head.path.size() + 1 + head.query.size()) return target;
    return arena.join(head.path, "?", head.query);
}

[[gnu::noinline]] std::string_view query_variable(const Variable& variable, std::string_view query) {
    std::string_view value;
    http::query_value(query, variable.argument, value);
    return value;
}

[[gnu::noinline]] std::string_view cookie_variable(const Variable& variable, const http::Headers& headers) {
    std::string_view value;
    cookie_value(headers, variable.argument, value);
    return value;
}

}  // namespace

std::string_view field_variable(const Variable& variable, const http::Headers& headers) {
    const http::Field* const field = variable.header != http::HeaderId::Other
                                         ? headers.find(variable.header)
                                         : headers.find(variable.argument);
    return field == nullptr ? std::string_view{} : field->value;
}

std::string_view request_variable(const Variable& variable, const http::RequestHead& head,
                                  std::string_view path, Arena& arena) {
    switch (variable.id) {
        case VariableId::Path:
            return path;
        case VariableId::Uri:
            return head.has_query ? whole_uri(head, arena) : head.path;
        case VariableId::Query:
            return head.query;
        case VariableId::QueryValue:
            return query_variable(variable, head.query);
        case VariableId::Header:
            return field_variable(variable, head.headers);
        case VariableId::Cookie:
            return cookie_variable(variable, head.headers);
        case VariableId::Method:
            return head.method_name;
        case VariableId::Protocol:
            return http::protocol_text(head.version);
        case VariableId::UserAgent:
            return head.headers.value(http::HeaderId::UserAgent);
        case VariableId::Referer:
            return head.headers.value(http::HeaderId::Referer);
        default:
            return {};
    }
}

std::string_view capture_variable(const Variable& variable, const Captures& location, const Captures& host) {
    if (variable.argument.empty())
        return variable.group < location.size() ? location.group(variable.group) : host.group(variable.group);
    std::string_view value;
    if (!location.find(variable.argument, value)) host.find(variable.argument, value);
    return value;
}

std::string_view decimal_text(std::uint64_t number, Arena& arena) {
    constexpr std::size_t kMost = 20;
    char* const end = static_cast<char*>(arena.allocate(kMost, 1)) + kMost;
    char* at = end;
    for (; number >= 100; number /= 100) {
        at -= 2;
        std::memcpy(at, kPairs[number % 100].data(), 2);
    }
    at -= 2;
    std::memcpy(at, kPairs[number].data(), 2);
    if (number < 10) ++at;
    return {at, static_cast<std::size_t>(end - at)};
}

std::string_view seconds_text(std::int64_t nanos, Arena& arena) {
    constexpr std::size_t kMost = 24;
    const auto micros = static_cast<std::uint64_t>(nanos < 0 ? 0 : nanos) / 1'000;
    char* const to = static_cast<char*>(arena.allocate(kMost, 1));
    char* end = std::to_chars(to, to + kMost, micros / 1'000'000).ptr;
    *end++ = '.';
    end = write_digits(end, static_cast<unsigned>(micros % 1'000'000), 6);
    return {to, static_cast<std::size_t>(end - to)};
}

void TimeText::update(std::int64_t seconds) {
    second_ = seconds;
    const std::time_t when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    std::strftime(iso_, sizeof iso_, "%Y-%m-%dT%H:%M:%S", &parts);

    // Not strftime's %b: month names are English whatever the locale says.
    static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    ::localtime_r(&when, &parts);
    char* to = write_digits(clf_, static_cast<unsigned>(parts.tm_mday), 2);
    *to++ = '/';
    to = std::copy_n(kMonths + 3 * parts.tm_mon, 3, to);
    *to++ = '/';
    to = write_digits(to, static_cast<unsigned>(parts.tm_year + 1900), 4);
    for (const int number : {parts.tm_hour, parts.tm_min, parts.tm_sec}) {
        *to++ = ':';
        to = write_digits(to, static_cast<unsigned>(number), 2);
    }
    const long minutes = parts.tm_gmtoff / 60;
    const auto offset = static_cast<unsigned>(minutes < 0 ? -minutes : minutes);
    *to++ = ' ';
    *to++ = minutes < 0 ? '-' : '+';
    to = write_digits(to, offset / 60 * 100 + offset % 60, 4);
    clf_size_ = static_cast<std::uint8_t>(to - clf_);
}

std::string_view TimeText::iso(std::int64_t wall_nanos, Arena& arena) {
    if (const std::int64_t seconds = wall_nanos / 1'000'000'000; seconds != second_) update(seconds);
    constexpr std::size_t kSeconds = 19;
    char* const begin = static_cast<char*>(arena.allocate(kSeconds + 5, 1));
    char* to = std::copy_n(iso_, kSeconds, begin);
    *to++ = '.';
    to = write_digits(to, static_cast<unsigned>(wall_nanos / 1'000'000 % 1000), 3);
    *to++ = 'Z';
    return {begin, static_cast<std::size_t>(to - begin)};
}

std::string_view TimeText::clf(std::int64_t wall_seconds) {
    if (wall_seconds != second_) update(wall_seconds);
    return {clf_, clf_size_};
}

}  // namespace gantry::server
