// TLS over a connected socket, for either side: OpenSSL with our own BIO, one recv and one send per event.
#pragma once

#include "core/net/tls_context.hpp"
#include "core/net/transport.hpp"

#include <string_view>

namespace gantry::net {

class TlsClientContext;

// Both begin the handshake by themselves: set_events(), then wait for on_handshake(). The deadline is the
// owner's. No read() or write() before on_handshake(nullptr); right after it has_more() may be true already.
// A connection that was all handshake, as a watcher of hellos answered it, is closed behind it: read() says
// so. After a failure the alert (or the plain-text answer to plain HTTP) is on its way; release the
// transport.
//
// read() tells two ends apart: Closed is close_notify; Failed with Code::Closed is a connection that just
// ended, so what was read may be cut short (RFC 8446 6.1). Where a message ends by closing, only Closed is a
// good end.

// Null when the kernel refuses to watch the socket or memory is short. `ends`: for who watches hellos; may be
// null.
TransportPtr make_tls_server_transport(UniqueFd fd, TlsContext& context, const TlsEnds* ends = nullptr);

}  // namespace gantry::net
