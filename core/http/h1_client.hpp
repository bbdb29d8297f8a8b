// One HTTP/1.1 connection to a peer: writes requests and streams their bodies, reads the responses straight
// into blocks and passes the bodies on as views into them, without a copy.
#pragma once

#include "core/http/h1_response.hpp"
#include "core/net/transport.hpp"
#include "core/net/wheel.hpp"
#include "core/net/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::http {

class H1Client;

// Who takes the response to a request. Called on the worker, never from within a call to the client. Any of
// these may destroy() the client.
class ClientEvents {
public:
    // A 1xx other than 100 and 101. [borrow:call]
    virtual void on_interim(const ResponseHead& head) = 0;
    // The head is complete; its views live as long as the arena that start() was given. With a status of 101
    // both directions are raw from here on.
    virtual void on_response_head(ResponseHead& head) = 0;
    virtual void on_response_body(std::string_view bytes, const Ref<Block>& owner) = 0;
    // The response is complete, the client takes no more part in the exchange: see is_reusable(). `trailers`
    // is null when there were none. [borrow:call]
    virtual void on_response_end(const Headers* trailers) = 0;
    // The last call: the connection is dead, destroy it. Comes for idle connections, too: the peer closed,
    // said something, or the time to keep it is over.
    virtual void on_client_failed(H1Client& client, const Error& error) = 0;
    // queued() fell below kLowWater after having been above kHighWater.
    virtual void on_request_drained() = 0;
    // Of a tunnel: the peer ended its direction, ours goes on. on_response_end() comes when finish_request()
    // has ended that one, too.
    virtual void on_peer_ended() {}
    // Everything that the peer sent in this event was passed on: the moment to flush. Not after
    // on_response_end() and on_client_failed().
    virtual void on_turn_end() = 0;

protected:
    ~ClientEvents() = default;
};

struct ClientLimits {
    HeadLimits head;
    // Without the peer taking any byte; of a tunnel: once the peer has ended its direction.
    Millis send_timeout = 60'000;
    // Without any byte from the peer, once it has the whole request; of a tunnel: once we have ended ours.
    Millis response_timeout = 60'000;
    Millis tunnel_timeout = 3'600'000;  // without any byte either way, after a 101
};

// [worker] throughout. States: idle → start() → request and response at the same time → idle again, or dead.
class H1Client final : net::TransportEvents {
public:
    static constexpr std::size_t kHighWater = 256 * 1024;
    static constexpr std::size_t kLowWater = 64 * 1024;

    H1Client(net::Worker& worker, net::TransportPtr transport);
    H1Client(const H1Client&) = delete;
    H1Client& operator=(const H1Client&) = delete;
    // Closes at once and deletes, as soon as no call of the client is on the stack. Never delete it
    // otherwise.
    void destroy();

    // ---- a request: start(), the head written to head(), the body, finish_request()
    // The response is parsed into `response`, whose arena is `arena`; both live until on_response_end().
    // `limits` lives as long.
    void start(ClientEvents& events, IncomingResponse& response, Arena& arena, const ClientLimits& limits,
               Method method, H1ResponseReader::Upgrade upgrade);
    // Where the head is written. Only between start() and send_body() or finish_request().
    Chain& head() { return output(); }
    // How send_body() frames: Length (or None) as it is, Chunked in chunks. Before the first send_body().
    void set_body(BodyKind kind) { body_ = kind; }
    // `owner` keeps the bytes alive; without one they are copied now. Nothing is written before flush().
    void send_body(std::string_view bytes, Ref<RefCounted> owner);
    // The request is complete; of a tunnel: our direction ends (half-close).
    void finish_request(const Headers* trailers);
    void flush();
    // The same at the end of what the loop is doing now, so that several pieces leave in one write.
    void flush_later();
    std::size_t queued() const { return output_ == nullptr ? 0 : output_->bytes(); }

    // Back-pressure for the response.
    void pause();
    void resume();

    // ---- facts
    // After on_response_end(): may it serve another request?
    bool is_reusable() const { return reusable_; }
    // Had it served a request before this one?
    bool is_reused() const { return requests_ > 1; }
    // Has the kernel taken any byte of the request?
    bool has_sent() const { return sent_; }
    bool is_request_complete() const { return request_done_; }
    // What the peer says that it keeps idle connections for (Keep-Alive: timeout=N); 0: nothing.
    Millis peer_idle_limit() const { return peer_idle_limit_; }

    // ---- idle
    // Waits in a pool; `owner` hears on_client_failed() and nothing else.
    void keep_idle(ClientEvents& owner, Millis timeout);
    // For whoever keeps it: a list, which endpoint it leads to, and what its connection began with.
    H1Client* newer = nullptr;
    H1Client* older = nullptr;
    std::uint64_t endpoint = 0;
    std::string preface;

private:
    enum class State : std::uint8_t { Idle, Active, Ended, Dead };
    class Turn;

    ~H1Client() override;
    void on_readable() override;
    void on_writable() override;
    void on_deadline() override;

    bool is_usable() const { return state_ == State::Active && !doomed_; }
    void read_some();
    bool consume();
    bool take(const H1ResponseReader::Step& step);
    void keep_head(std::size_t size);
    enum class By : std::uint8_t { Framing, Close };
    void end_response(By by);
    void take_close();
    void take_failure(const Error& error);
    bool is_quiet();
    void come_back();
    void prepare_input();
    void let_input_go();
    void wait_for_bytes();
    void fail(const Error& error);
    Chain& output();
    void drop_output();
    void set_timer();
    Millis tunnel_limit() const;

    net::Worker& worker_;
    net::TransportPtr transport_;
    ClientEvents* events_ = nullptr;
    IncomingResponse* response_ = nullptr;
    Arena* arena_ = nullptr;
    const ClientLimits* limits_ = nullptr;
    Chain* output_ = nullptr;  // while there is something to send
    Ref<Block> input_;         // while there is something to parse or to pass on
    std::size_t parsed_ = 0;   // of input_
    H1ResponseReader reader_;
    Millis peer_idle_limit_ = 0;
    std::uint32_t requests_ = 0;
    State state_ = State::Idle;
    BodyKind body_ = BodyKind::None;
    std::uint8_t depth_ = 0;  // calls on the stack that touch this object after a callback
    bool doomed_ = false;     // destroy() was called meanwhile
    bool paused_ = false;
    bool request_done_ = true;
    bool sent_ = false;
    bool received_ = false;
    bool blocked_ = false;  // on_writable() goes on writing
    bool write_failed_ = false;
    bool end_write_ = false;    // shut our direction down once the output is empty
    bool write_ended_ = false;  // of a tunnel, our direction
    bool peer_ended_ = false;   // and the peer's
    bool above_high_water_ = false;
    bool was_full_ = false;  // the last read filled the block: read more at once
    bool reusable_ = false;
};

}  // namespace gantry::http
