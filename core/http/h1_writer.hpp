// Writes HTTP/1 heads (RFC 9112): straight into the chain that is sent, in one piece.
#pragma once

#include "core/base/chain.hpp"
#include "core/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gantry::http {

// Status line (always HTTP/1.1), Date (`date29`, 29 bytes), Server, the fields of `head` in their order, then
// what frames the body by head.body: Content-Length, or Transfer-Encoding: chunked (to a client of HTTP/1.1;
// nothing for 1.0 and for UntilClose). None: nothing for statuses without body, else "Content-Length: 0".
// Last "Connection: close" unless `keep_alive`, and "Connection: keep-alive" to a client of HTTP/1.0. A 101
// gets none of these: its Connection and Upgrade fields are among those of `head`. Date, Server,
// Content-Length, Transfer-Encoding and Connection among the fields of `head` are left out (but for the 101),
// so that there is one of each. Control bytes in names or values become spaces.
void write_response_head(const ResponseHead& head, Version client, bool keep_alive, std::string_view date29,
                         bool server_header, Chain& out);

// 100 (Continue), 103 (Early Hints): status line and fields only. `headers` may be null.
void write_interim_head(int status, const Headers* headers, Chain& out);

// A request to a peer: method, target and version, the fields in their order, then the framing by `body`. As
// above, Content-Length, Transfer-Encoding and Connection among the fields are left out; Connection is
// "keep-alive" by default and so not sent, "close" when not `keep_alive`, and "upgrade" when `upgrade` is not
// empty (then Upgrade: `upgrade` too).
struct RequestLine {
    std::string_view method;
    std::string_view target;
    BodyKind body = BodyKind::None;
    std::uint64_t content_length = 0;  // sent with BodyKind::Length, 0 included
    bool keep_alive = true;
    std::string_view upgrade;
};
void write_request_head(const RequestLine& line, const Headers& headers, Chain& out);

// "0\r\n", the trailer fields (may be null), "\r\n". Returns the bytes written.
std::size_t write_last_chunk(const Headers* trailers, Chain& out);

}  // namespace gantry::http
