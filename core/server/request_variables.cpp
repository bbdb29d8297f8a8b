#include "core/server/request_variables.hpp"

#include "core/http/uri.hpp"
#include "core/server/cookie.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace gantry::server {

namespace {

char* write_digits(char* to, unsigned number, unsigned digits) {
    for (unsigned i = digits; i > 0; --i) {
        to[i - 1] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

// Path and query; they lie behind one another but for an absolute form without a path ("http://h?x").
std::string_view uri_of(const http::RequestHead& head, Arena& arena) {
    if (!head.has_query) return head.path;
    const std::string_view target = head.target;
    if (target.starts_with('/') && target.size() == head.path.size() + 1 + head.query.size()) return target;
    return arena.join(head.path, "?", head.query);
}

}  // namespace

std::string_view field_variable(const Variable& variable, const http::Headers& headers) {
    const http::Field* const field = variable.header != http::HeaderId::Other
                                         ? headers.find(variable.header)
                                         : headers.find(variable.argument);
    return field == nullptr ? std::string_view{} : field->value;
}

bool request_variable(const Variable& variable, const http::RequestHead& head, std::string_view path,
                      Arena& arena, std::string_view& value) {
    value = {};
    switch (variable.id) {
        case VariableId::Path:
            value = path;
            return true;
        case VariableId::Uri:
            value = uri_of(head, arena);
            return true;
        case VariableId::Query:
            value = head.query;
            return true;
        case VariableId::QueryValue:
            http::query_value(head.query, variable.argument, value);
            return true;
        case VariableId::Header:
            value = field_variable(variable, head.headers);
            return true;
        case VariableId::Cookie:
            cookie_value(head.headers, variable.argument, value);
            return true;
        case VariableId::Method:
            value = head.method_name;
            return true;
        case VariableId::Protocol:
            value = http::protocol_text(head.version);
            return true;
        case VariableId::UserAgent:
            value = head.headers.value(http::HeaderId::UserAgent);
            return true;
        case VariableId::Referer:
            value = head.headers.value(http::HeaderId::Referer);
            return true;
        default:
            return false;
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
    char* const to = static_cast<char*>(arena.allocate(kMost, 1));
    return {to, static_cast<std::size_t>(std::to_chars(to, to + kMost, number).ptr - to)};
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

std::string_view TimeText::clf(std::int64_t wall_nanos) {
    if (const std::int64_t seconds = wall_nanos / 1'000'000'000; seconds != second_) update(seconds);
    return {clf_, clf_size_};
}

}  // namespace gantry::server
