// The heads that a proxy passes on: of the request, as the peer sees it, and of the response, as the client
// does. What belongs to one connection stays behind (RFC 9110 7.6.1).
#pragma once

#include "core/base/chain.hpp"
#include "core/base/cidr.hpp"
#include "core/http/uri.hpp"
#include "core/server/exchange.hpp"
#include "core/server/template.hpp"

#include <string>

namespace gantry::content {

// What a location does to the requests that it passes on. Immutable; [any].
struct ProxyRules {
    // Instead of the part of the path that the location's pattern matched, or of all of it where that is an
    // expression; "": the target is passed on as the client wrote it.
    std::string uri;
    http::EncodedSlash encoded_slash = http::EncodedSlash::Keep;  // of the normal form of paths
    bool sets_host = false;
    server::Template host;  // with sets_host; else the client's
    bool forwarded = true;
    CidrSet trusted;
};

// What of a request depends on the connection that it goes to.
struct ProxyTarget {
    std::string_view peer;  // Host, where the client named none
    http::BodyKind body = http::BodyKind::None;
    std::uint64_t content_length = 0;
    bool upgrade = false;
    bool keep_alive = true;
};

// May this request ask the peer to change the protocol? Not with a body, and not to h2c: the requests inside
// would be out of our sight.
bool is_upgrade(const http::RequestHead& request);

// The request line and the fields, with everything above applied and without what is of one hop, the
// client's claims of other hops where it is not trusted, and `Proxy` (which CGI programs take for a setting).
void write_proxy_head(const ProxyRules& rules, server::Exchange& exchange, const ProxyTarget& target,
                      Chain& out);

// Status, reason, framing and fields of the peer's response into that of the exchange. The head's views live
// as long as the exchange.
void take_response_head(const http::ResponseHead& from, http::Method method, http::ResponseHead& to);

// What of the trailers of a request goes to the upstream: nothing that a head would not have taken there.
void take_request_trailers(const ProxyRules& rules, const server::Exchange& exchange,
                           const http::Headers& trailers, http::Headers& to);

}  // namespace gantry::content
