// Bytes of a connection, plain or TLS: what codecs read from and write to.
#pragma once

#include "core/base/chain.hpp"
#include "core/base/error.hpp"
#include "core/net/receive.hpp"
#include "core/net/socket_op.hpp"
#include "core/net/wheel.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <sys/socket.h>

namespace gantry::net {

// The outcome of one read or write.
struct Io {
    enum class Kind : std::uint8_t {
        Done,     // read: `bytes` arrived; write: the chain is empty
        Blocked,  // nothing (more) now; read: call want_read() and wait
        Closed,   // read: the other side ended its direction in order (FIN, close_notify)
        Failed,   // `error` says why; the transport is dead
    };
    Kind kind = Kind::Done;
    std::size_t bytes = 0;
    Error error{};
};

// Facts of a TLS connection, for variables and logs. Views live as long as the transport.
struct TlsInfo {
    std::string_view version;  // "TLSv1.3"
    std::string_view cipher;
    std::string_view server_name;  // SNI, lower case; ""
    std::string_view alpn;
    std::string_view client_subject;  // of a client certificate (RFC 2253 form); ""
    bool client_verified = false;
    bool resumed = false;
};

class Transport;

// Who uses a transport, and has a deadline for it (idle connections are many: one base spares each a
// pointer). Called on its worker, never from inside read() or write().
class TransportEvents : protected Deadline {
public:
    virtual void on_readable() = 0;  // read() until it says Blocked, or until has_more() is false
    virtual void on_writable() = 0;
    // TLS only: the handshake is through (info() is complete) or has failed, after which nothing else comes.
    // Plain transports never call it.
    virtual void on_handshake(const Error* failure) { (void)failure; }

protected:
    void on_deadline() override {}
};

// [worker] throughout. Held by TransportPtr, which closes and releases it.
class Transport : public SocketOp {
public:
    void set_events(TransportEvents* events) { events_ = events; }

    // Reads what there is, up to `size` bytes (at least 1).
    virtual Io read(char* to, std::size_t size) = 0;
    // Sends from the front of the chain until it is empty (Done) or the kernel takes no more (Blocked), at
    // most about 1 MiB a turn so that others get theirs (Blocked then too). After Blocked on_writable()
    // follows by itself, once; call write() again then. A file that became shorter than its segment is
    // Failed: nothing is made up for it.
    virtual Io write(Chain& chain) = 0;
    // Bytes that were received but not read yet, or may have been: read() again instead of want_read().
    virtual bool has_more() const { return SocketOp::has_more(); }
    // How much read() could return at most of what was taken from the descriptor already.
    virtual std::size_t bytes_held() const { return 0; }
    // Ends our direction in order (FIN; TLS: close_notify first). Reading goes on.
    virtual void shutdown_write() = 0;
    // null for a plain transport.
    virtual const TlsInfo* tls() const { return nullptr; }
    virtual bool is_tls() const { return false; }

protected:
    using SocketOp::SocketOp;

    // recv(), and whether another read may find something without a new edge: bytes, a FIN, a reset.
    ssize_t receive(char* to, std::size_t size, bool& more) {
        const ssize_t got = net::receive(fd(), to, size, more);
        if (got > 0 && is_hung_up()) more = true;
        return got;
    }

    TransportEvents* events_ = nullptr;

    void on_readable() override {
        if (events_ != nullptr) events_->on_readable();
    }
    void on_writable() override {
        if (events_ != nullptr) events_->on_writable();
    }
};

struct ReleaseTransport {
    void operator()(Transport* transport) const { transport->release(); }
};
using TransportPtr = std::unique_ptr<Transport, ReleaseTransport>;

// A plain transport over a connected, non-blocking stream socket (TCP or unix), on the calling worker. Null
// when the kernel refuses to watch it.
TransportPtr make_plain_transport(UniqueFd fd);

}  // namespace gantry::net
