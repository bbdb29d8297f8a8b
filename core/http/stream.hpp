// The seam between a codec (HTTP/1 now, HTTP/2 later) and whoever answers requests: one ServerStream per
// request below, one ServerExchange per request above. No copies, no queues of their own: calls, on one
// worker.
#pragma once

#include "core/base/error.hpp"
#include "core/base/ref.hpp"
#include "core/http/message.hpp"
#include "core/net/address.hpp"
#include "core/net/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/types.h>

namespace gantry::http {

struct ConnectionNotes;  // connection_notes.hpp

// Who takes the body of a message. Views are valid during the call; `owner` keeps them valid for longer.
class BodyReader {
public:
    virtual void on_body(std::string_view bytes, const Ref<Block>& owner) = 0;
    // The body is complete. `trailers` may be null. [borrow:call]
    virtual void on_body_end(const Headers* trailers) = 0;

protected:
    ~BodyReader() = default;
};

// A request and its answer, as the exchange sees the codec. Valid from ServerExchange::start() until finish()
// has returned or on_aborted() was called.
class ServerStream {
public:
    // 100 and 103, before the head. A client that speaks HTTP/1.0 is not sent any.
    virtual void send_interim(int status, const Headers* headers) = 0;
    // Queues the head, once. head.body says how the body is framed: Length demands exactly content_length
    // bytes; Chunked becomes UntilClose for a client that speaks HTTP/1.0. Whether the connection is kept is
    // the codec's business, `head.keep_alive` = false forbids it. Adds Date and the framing fields itself.
    // With a status of 101 both directions become raw bytes: on_body() delivers what the client sends until
    // it closes, and send_body() is not framed.
    virtual void send_head(const ResponseHead& head) = 0;
    // Queues a piece of the body. `owner` keeps `bytes` alive; without one they are copied now. Ignored (but
    // counted) for HEAD and for statuses without body, so that handlers need not know.
    virtual void send_body(std::string_view bytes, Ref<RefCounted> owner) = 0;
    virtual void send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) = 0;
    // The response is complete (`trailers` may be null; they are sent with Chunked only). on_sent() follows:
    // outside of start() and on_body...() within this very call, so whoever calls it must not touch the
    // exchange afterwards.
    virtual void finish(const Headers* trailers) = 0;
    // After a 101: our direction ends behind what is queued (FIN), what the client sends is delivered on.
    // finish() follows when its direction is over as well.
    virtual void end_write() = 0;
    // Gives up in the middle: the connection is closed in a way that the client cannot take for the end of
    // the body. on_sent() follows as after finish().
    virtual void abort() = 0;

    // Starts delivery of the request body, sending 100 (Continue) where the client waits for it. At most
    // once. Nothing is delivered from within this call; a request without body gets on_body_end() all the
    // same.
    virtual void read_body(BodyReader& reader) = 0;
    // Back-pressure: stop and go on reading the body.
    virtual void pause_body() = 0;
    virtual void resume_body() = 0;

    // Writes what is queued. Needed by whoever sends outside of start() and on_body(): the codec flushes by
    // itself after those.
    virtual void flush() = 0;
    // Bytes queued and not yet taken by the kernel. Above kHighWater a producer should wait for on_drained().
    virtual std::size_t queued() const = 0;
    static constexpr std::size_t kHighWater = 256 * 1024;
    static constexpr std::size_t kLowWater = 64 * 1024;

    // Between these two, which may be nested, the request does not end: on_sent(), on_aborted() and what is
    // written wait for the last leave(). For whoever runs code that may answer, and that looks at its own
    // things afterwards.
    virtual void enter() = 0;
    virtual void leave() = 0;

    // Facts for variables, logs and routing.
    struct Facts {
        const net::PeerAddress* client = nullptr;
        const net::TlsInfo* tls = nullptr;  // null: plain
        const void* listener = nullptr;     // as given to the codec by the server room
        std::uint64_t connection_id = 0;
        std::uint32_t request_number = 0;        // on this connection, from 1
        int fd = -1;                             // for getsockname; never read or written
        const ConnectionNotes* notes = nullptr;  // null: there are none
    };
    virtual Facts facts() const = 0;
    virtual std::uint64_t bytes_sent() const = 0;  // of this response, head included, as queued

    // How the request came in, for logs; -1: there was none of it. By the clock of the worker, so that what
    // came within one event took no time.
    struct Arrival {
        std::int64_t queue_nanos = -1;      // from accept (or the end of the handshake) to its first bytes;
                                            // of the first request on a connection
        std::int64_t handshake_nanos = -1;  // the TLS handshake of its connection; of the first request
        std::int64_t head_nanos = -1;       // from its first bytes to the end of its head
        std::uint64_t head_bytes = 0;
    };
    virtual Arrival arrival() const { return {}; }

protected:
    ~ServerStream() = default;
};

// One request, as the codec sees who answers it.
class ServerExchange {
public:
    // Where the codec parses to; its arena is the exchange's.
    virtual RequestHead& request() = 0;
    virtual Arena& arena() = 0;
    // The head is complete.
    virtual void start() = 0;
    // The head cannot be understood: answer with the error's status. The connection closes afterwards.
    virtual void start_failed(const Error& error) = 0;
    // queued() fell below kLowWater after having been above kHighWater.
    virtual void on_drained() = 0;
    // The body of the request cannot be had (bad framing, too slow, too large): Error's status if no head was
    // sent yet, else abort().
    virtual void on_body_failed(const Error& error) = 0;
    // The response was handed over whole (or aborted by us). The last call; the exchange recycles itself.
    virtual void on_sent() = 0;
    // The client is gone or too slow in taking the response. The stream is not usable any more. The last
    // call; the exchange recycles itself.
    virtual void on_aborted(const Error& error) = 0;

protected:
    ~ServerExchange() = default;
};

// Makes exchanges; one per worker.
class ServerExchanges {
public:
    virtual ServerExchange& acquire(ServerStream& stream) = 0;
    // An exchange that was acquired but never started: its head is not complete yet.
    virtual void discard(ServerExchange& exchange) = 0;

protected:
    ~ServerExchanges() = default;
};

}  // namespace gantry::http
