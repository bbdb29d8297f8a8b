// What clients are told of limits: RateLimit-Policy and RateLimit, items of lists of structured fields
// (draft-ietf-httpapi-ratelimit-headers, RFC 9651), and Retry-After (RFC 9110 10.2.3).
#pragma once

#include "table.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace limit {

// Of names of rules: they are keys of TOML, labels of metrics and strings of structured fields at once.
bool is_name(std::string_view name);

// `"login";q=10;w=60`: made once for each rule. `q` is what may come in `w` seconds, a burst included.
std::string policy_item(std::string_view name, const Rate& rate, std::uint64_t burst);
// `"login";q=10;qu="concurrent-requests"`.
std::string policy_item(std::string_view name, std::uint32_t concurrency);

// `"login";r=3;t=12`: what is left, and in how many seconds it is all there again; of a refusal that of
// Retry-After. Written to `out`; 0: it does not fit.
std::size_t write_item(char* out, std::size_t room, std::string_view name, const Decision& decision);

// Whole seconds, at least one.
constexpr std::uint64_t retry_after(std::uint64_t wait) {
    return std::max<std::uint64_t>(whole_seconds(wait), 1);
}

// For a line of a log: what clients choose, without what would break the line, and not too long.
std::string_view shown(std::string_view text, char* out, std::size_t room);

}  // namespace limit
