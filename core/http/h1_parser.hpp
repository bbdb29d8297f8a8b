// Turns HTTP/1 bytes into request and response heads (RFC 9112). Strict: what two servers could read in two
// ways is refused. Does no I/O, so tests and fuzzers feed it strings.
#pragma once

#include "core/base/result.hpp"
#include "core/http/message.hpp"

#include <cstddef>
#include <string_view>

namespace gantry::http {

struct HeadLimits {
    std::size_t head_bytes = 16 * 1024;  // start line and fields together: 431
    std::size_t line_bytes = 8 * 1024;   // request line: 414
    std::size_t fields = 100;            // 431
};

// Which implementation of the byte scans is used. Auto: the best that this processor has, decided once.
enum class Simd : std::uint8_t { Auto, Scalar, Sse42, Avx2 };

// For tests, the fuzzers and the benchmark. False where the processor lacks it. Not thread-safe.
bool select_simd(Simd simd);
Simd selected_simd();

// How many bytes at the start of `input` form the head; 0: it is not complete yet. On an error the connection
// has to be closed after the answer. Empty lines before a request line are skipped (RFC 9112 2.2), two at
// most.
//
// `head` is filled with views into `input`, which must stay where it is; on 0 and on errors its content is
// unspecified, except that version, method and target are set where the request line could be read.
// `scanned` is the caller's memory between calls with a growing input (start with 0): a client that sends a
// byte at a time costs time in proportion to the bytes, not to their square. For that price an error in such
// drops may be told a little later, at the latest with the end of the head or a limit.
Result<std::size_t> parse_request_head(std::string_view input, const HeadLimits& limits, RequestHead& head,
                                       std::size_t& scanned);

// The same for a response of a peer; errors are Side::Upstream. `request` decides the body: HEAD has none.
Result<std::size_t> parse_response_head(std::string_view input, const HeadLimits& limits, Method request,
                                        ResponseHead& head, std::size_t& scanned);

// Trailer fields after a chunked body, up to and with the empty line. Framing, routing and authentication
// fields are refused there (RFC 9110 6.5.1).
Result<std::size_t> parse_trailers(std::string_view input, const HeadLimits& limits, Side side,
                                   Headers& trailers, std::size_t& scanned);

}  // namespace gantry::http
