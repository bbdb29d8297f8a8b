// The server side of an HTTP/1 connection: bytes in, requests out; responses in, bytes out. One request at a
// time, pipelined ones wait in the read buffer and their responses leave in one write.
//
// Every entry (an event of the transport, a deadline, a call of the exchange) is one *turn*. What a turn
// causes - flushing, closing, waiting, the next pipelined request - happens once, at its end, in settle(). So
// no call of the exchange can pull the connection from under the feet of another.
#pragma once

#include "core/base/block.hpp"
#include "core/http/body_decoder.hpp"
#include "core/http/connection_notes.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/handshake_cells.hpp"
#include "core/http/stream.hpp"
#include "core/net/transport.hpp"
#include "core/net/wheel.hpp"
#include "core/net/worker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace gantry::http {

class H1Active;

// What the connections of one listener on one worker have in common. Outlives them.
struct H1Settings {
    net::Worker* worker = nullptr;
    ServerExchanges* exchanges = nullptr;
    const void* listener = nullptr;              // handed on in Facts
    std::atomic<std::uint64_t>* open = nullptr;  // counted down when a connection ends
    HandshakeCells handshakes;                   // what is counted of TLS handshakes
    HeadLimits limits;
    std::uint64_t max_requests = 0;  // per connection; 0 = unlimited
    Millis head_timeout = 10'000;
    Millis idle_timeout = 75'000;
    Millis body_timeout = 30'000;
    Millis send_timeout = 60'000;
    Millis handshake_timeout = 10'000;
    std::uint64_t body_min_rate = 256;
    bool server_header = true;
    std::uint32_t connections = 0;                // so far; numbers them
    bool draining = false;                        // close after the current response; set on the worker
    std::vector<std::unique_ptr<H1Active>> free;  // recycled request state

    H1Settings();
    ~H1Settings();
};

// Deletes itself when the connection ends. An idle one keeps nothing but this and its transport. [worker]
class H1Connection final : public net::TransportEvents {
public:
    // Takes over a fresh connection that is counted in the worker and in settings.open.
    static void serve(net::TransportPtr transport, H1Settings& settings, const net::PeerAddress& client,
                      std::unique_ptr<const ConnectionNotes> notes = {});

private:
    friend class H1Active;
    // Leaving: idle, and told to end; a request that is on its way is still answered.
    enum class Wait : std::uint8_t { Nothing, Handshake, Idle, Leaving, Head, Body, Send, Linger };

    H1Connection(net::TransportPtr transport, H1Settings& settings, const net::PeerAddress& client);
    ~H1Connection() override;

    void on_readable() override;
    void on_writable() override;
    void on_handshake(const Error* failure) override;
    void on_deadline() override;
    void on_drain() override;

    void acquire_active();
    void release_active();
    std::uint32_t units_since_begin() const;
    void wait_for(Wait what, Millis timeout);

    net::TransportPtr transport_;
    H1Settings& settings_;
    H1Active* active_ = nullptr;  // null: idle
    std::unique_ptr<const ConnectionNotes> notes_;
    net::PeerAddress client_;
    Wait wait_ = Wait::Nothing;
    std::uint32_t id_ = 0;
    std::uint32_t requests_ = 0;
    // Of the worker's clock in units of 1024 ns, which takes 73 minutes to come round; for logs.
    std::uint32_t begun_ = 0;  // accepted, then: the handshake is through
    std::uint32_t queued_ = 0;
    std::uint32_t handshake_ = 0;
};

}  // namespace gantry::http
