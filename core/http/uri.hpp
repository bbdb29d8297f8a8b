// Paths, queries and authorities of requests (RFC 3986, RFC 9110 4.2). One normal form for routing and
// handlers.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// What becomes of "%2F", "%5C" and a bare backslash in a path: they are kept encoded in the normal form, the
// request is refused, or they are decoded like any other octet.
enum class EncodedSlash : std::uint8_t { Keep, Reject, Decode };

// The normal form: percent-decoded once, "." and ".." segments removed, runs of "/" folded when
// `merge_slashes`. 400 for a bad escape, an encoded NUL or control byte, and a path that climbs above the
// root. With EncodedSlash::Keep an encoded slash or backslash stays "%2F" or "%5C", and a "%25" that would be
// read as the start of one stays "%25". Returns `path` itself, without a copy, when it is in normal form
// already (nearly always), else a string in the arena.
Result<std::string_view> normalize_path(std::string_view path, EncodedSlash encoded, bool merge_slashes,
                                        Arena& arena);

struct Authority {
    std::string_view host;  // without brackets for an IPv6 literal; case as received
    std::string_view port;  // digits or ""
    bool is_ipv6 = false;
};

// Strict: reg-name, IPv4 or "[IPv6]", optional ":port" up to 65535. No userinfo (RFC 9110 4.2.4), no empty
// label ("..", ".a"), no percent escapes, no scoped or future IP literals. 400 otherwise.
Result<Authority> parse_authority(std::string_view authority);
// The same question without the answer, for the parser's hot path.
bool is_authority(std::string_view authority);

// The value of the first `name` in a query string, still encoded; false when there is none.
bool query_value(std::string_view query, std::string_view name, std::string_view& value);

// Percent-decodes, "+" to space when `plus_is_space`. Bad escapes stay as they are.
std::string_view percent_decode(std::string_view text, bool plus_is_space, Arena& arena);

// Percent-encodes everything but unreserved characters, sub-delims, ":", "@" and "/": a decoded path for a
// Location field or an upstream request line. `encoded` is what normalize_path() was told when it made the
// path: with Keep, the escapes that it kept stay as they are.
std::string_view percent_encode_path(std::string_view path, Arena& arena,
                                     EncodedSlash encoded = EncodedSlash::Decode);

}  // namespace gantry::http
