// Heads of HTTP/1 messages as bytes in a chain: responses and interim responses to clients, requests to
// peers. What would break the framing of a head never gets out of here, whoever put it into a field.
#pragma once

#include "core/base/chain.hpp"
#include "core/http/message.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// Status line, Date (unless date29 is ""), Server, the fields as given, the framing fields, Connection, the
// empty line. All bytes are copied: nothing of `head` has to live on.
//
// head.body decides the framing and Content-Length and Transfer-Encoding fields among the given ones are left
// out, with one exception: BodyKind::None keeps a given Content-Length (an answer to HEAD, 304) and adds
// "Content-Length: 0" where there is none and the status allows a body. Chunked becomes UntilClose for a
// client that speaks HTTP/1.0: the caller closes then. Given Date and Server fields win over ours, a given
// Connection field is only written with 101 and 426, where it belongs to Upgrade.
// NUL, CR and LF in names, values and the reason become spaces.
void write_response_head(const ResponseHead& head, Version client_version, bool keep_alive,
                         std::string_view date29, bool server_header, Chain& out);

// A response without Date and framing: 100 (Continue), 103 (Early Hints). `headers` may be null.
void write_interim_head(int status, const Headers* headers, Chain& out);

// What a peer is asked. `headers` holds Host; Connection is written as given; Content-Length and
// Transfer-Encoding follow from `body`.
struct OutgoingRequest {
    std::string_view method;
    std::string_view target;  // bytes that are not allowed in a request line are percent-encoded
    const Headers& headers;
    Version version = Version::Http11;
    BodyKind body = BodyKind::None;  // Length with 0 is written, None is not
    std::uint64_t content_length = 0;
};
void write_request_head(const OutgoingRequest& request, Chain& out);

// Trailer fields and the empty line, to be sent behind the last chunk ("0\r\n").
void write_trailers(const Headers* trailers, Chain& out);

}  // namespace gantry::http
