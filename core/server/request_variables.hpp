// The variables that follow from the request head and the captures alone; the exchange answers the others.
#pragma once

#include "core/http/message.hpp"
#include "core/server/regex.hpp"
#include "core/server/variable.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::server {

// One of: path, uri, query, query.NAME, header.NAME, cookie.NAME, method, protocol, user_agent, referer; of
// another one it is "". `path` is the normal form. query.NAME is as received (still encoded).
std::string_view request_variable(const Variable& variable, const http::RequestHead& head,
                                  std::string_view path, Arena& arena);

// header.NAME or response_header.NAME of those fields.
std::string_view field_variable(const Variable& variable, const http::Headers& headers);

// A capture, by name or number: the location's expression first, then the host's.
std::string_view capture_variable(const Variable& variable, const Captures& location, const Captures& host);

// ---- texts of times and numbers, for the exchange

// "0.123456": seconds with microseconds.
std::string_view seconds_text(std::int64_t nanos, Arena& arena);
std::string_view decimal_text(std::uint64_t number, Arena& arena);

// The wall clock as text, made once a second. One per worker. [worker]
class TimeText {
public:
    // "2026-11-20T23:27:24.123Z"; the milliseconds are current, so this one is written into the arena.
    std::string_view iso(std::int64_t wall_nanos, Arena& arena);
    // "20/Nov/2026:23:27:24 +0000", in the local zone of the process. Valid until the next call.
    std::string_view clf(std::int64_t wall_seconds);

private:
    void update(std::int64_t seconds);
    std::int64_t second_ = -1;
    char iso_[24] = {};  // up to the seconds
    char clf_[32] = {};
    std::uint8_t clf_size_ = 0;
};

}  // namespace gantry::server
