// Conditional requests (RFC 9110 13): entity tags, dates, and the order in which they are judged.
#pragma once

#include "core/http/message.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

enum class Condition : std::uint8_t { Proceed, NotModified, Failed };  // 200, 304, 412

struct Validators {
    std::string_view etag;           // with quotes and W/ where weak; "" = none
    std::int64_t last_modified = 0;  // seconds since the epoch; 0 = none
};

// RFC 9110 13.2.2, for If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since.
Condition evaluate_conditions(const RequestHead& request, const Validators& validators);

// If-Range (13.1.5): may the Range of this request be honoured? True without If-Range.
bool range_applies(const RequestHead& request, const Validators& validators);

// Comparison of two entity tags; strong: neither may be weak (8.8.3.2).
bool etags_match(std::string_view a, std::string_view b, bool strong);

}  // namespace gantry::http
