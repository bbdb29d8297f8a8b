// What an HTTP/1 connection needs while bytes are in it: buffers, the request being read, the response being
// written. Recycled per listener and worker; idle connections have none. Internal to the codec.
#pragma once

#include "core/http/h1_connection.hpp"

namespace gantry::http {

class H1Active final : public ServerStream, private net::Postponed {
public:
    explicit H1Active(net::Worker& worker) : worker_(worker) {}

    // ---- ServerStream
    // ------------------------------------------------------------------------------------------
    void send_interim(int status, const Headers* headers) override;
    void send_head(const ResponseHead& head) override;
    void send_body(std::string_view bytes, Ref<RefCounted> owner) override;
    void send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) override;
    void finish(const Headers* trailers) override;
    void end_write() override;
    void abort() override;
    void read_body(BodyReader& reader) override;
    void pause_body() override;
    void resume_body() override;
    void flush() override;
    void enter() override { ++depth_; }
    void leave() override {
        if (--depth_ == 0) settle();
    }
    std::size_t queued() const override { return out_ == nullptr ? 0 : out_->bytes(); }
    Facts facts() const override;
    std::uint64_t bytes_sent() const override { return sent_; }
    Arrival arrival() const override;

    // ---- for the connection
    // ------------------------------------------------------------------------------------
    void attach(H1Connection& connection) { connection_ = &connection; }
    void on_readable();
    void on_writable();
    void on_deadline();

private:
    friend class H1Connection;

    // One entry into the connection. The outermost one settles, and the connection may be gone afterwards.
    class Turn {
    public:
        explicit Turn(H1Active& active) : active_(active) { active_.enter(); }
        ~Turn() { active_.leave(); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        H1Active& active_;
    };

    enum class Reply : std::uint8_t { None, Head, Finished };  // how far the response is
    enum class End : std::uint8_t { No, AfterReply, Linger, Now };

    H1Settings& settings() const { return connection_->settings_; }
    net::Transport& transport() const { return *connection_->transport_; }
    Chain& out();

    // reading
    bool wants_input() const;
    bool make_room();
    void shrink_input();
    void process_input();
    bool next_request();
    void begin_request();
    void refuse_head(const Error& error);
    void deliver_body();
    bool discard_body();
    void on_peer_closed();
    void fail_body(const Error& error);
    bool is_body_slow();
    bool is_body_cut() const;

    // writing
    bool frame_piece(std::size_t size);
    void end_piece(std::size_t size);
    void flush_now();
    bool may_complete() const;
    bool must_close(const ResponseHead& head) const;

    // ending
    void settle();
    bool postpone();
    void write_rounds();
    void end_turn();
    void on_batch_end() override;
    void complete_reply();
    void end_request();
    void await_next_event();
    void start_linger();
    void abort_exchange(const Error& error);
    void close(End how) { end_ = std::max(end_, how); }
    void reset();

    net::Worker& worker_;
    H1Connection* connection_ = nullptr;
    int depth_ = 0;
    End end_ = End::No;
    bool lingering_ = false;
    bool progressed_ = false;  // bytes moved in this turn: deadlines are set anew
    bool postponed_ = false;   // the end of the turn waits for the end of the worker's batch

    // the read buffer: in_[at_, in_->size()) is not consumed yet
    Ref<Block> in_;
    std::size_t at_ = 0;
    std::size_t scanned_ = 0;
    Ref<Block> head_block_;     // holds the current request's head
    bool peer_closed_ = false;  // the client ended its direction

    // the request
    ServerExchange* exchange_ = nullptr;
    Method method_ = Method::Other;
    Version version_ = Version::Http11;
    bool keep_alive_ = true;  // the client's wish, then ours
    bool expects_continue_ = false;
    BodyDecoder body_{Side::Client};
    BodyReader* reader_ = nullptr;
    bool body_paused_ = false;
    bool body_ended_ = false;  // on_body_end() was called
    bool discarding_ = false;  // the response is out, the rest of a small body is dropped
    bool raw_ = false;         // after 101
    bool end_write_ = false;   // of raw bytes: shut our direction down once they are out
    std::uint64_t body_received_ = 0;
    Millis body_since_ = 0;
    std::int64_t head_since_ = 0;  // the first bytes of the next head; 0: none yet
    std::int64_t head_nanos_ = 0;  // that the current head took to come
    std::size_t head_bytes_ = 0;

    // the response
    Chain* out_ = nullptr;
    Reply reply_ = Reply::None;
    BodyKind reply_kind_ = BodyKind::None;
    bool reply_bodiless_ = false;  // HEAD, 204, 304: pieces are dropped
    bool reply_has_file_ = false;
    bool aborted_ = false;
    bool congested_ = false;        // above kHighWater: on_drained() is owed
    std::uint64_t reply_left_ = 0;  // with BodyKind::Length
    std::uint64_t sent_ = 0;
};

}  // namespace gantry::http
