// HTTP dates (RFC 9110 5.6.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gantry::http {

inline constexpr std::size_t kDateBytes = 29;

// "Sun, 06 Nov 1994 08:49:37 GMT" into to[0..28]. `seconds` since the epoch, years 1970 to 9999.
void write_date(char* to, std::int64_t seconds);

// All three forms of the RFC; nullopt for anything else.
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace gantry::http
