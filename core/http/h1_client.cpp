#include "core/http/h1_client.hpp"

#include "core/base/text.hpp"
#include "core/http/h1_writer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gantry::http {

namespace {

constexpr std::size_t kTurnBytes = 512 * 1024;   // read in one event, so that others get theirs
constexpr std::size_t kLargeBlock = 64 * 1024;   // for a peer that sends more than fits into an ordinary one
constexpr std::size_t kWorthReading = 4 * 1024;  // room below which a new block is taken
constexpr std::string_view kCrLf = "\r\n";

// "timeout=5, max=100"; some servers close on the second, so we stop a second earlier.
Millis idle_limit_of(const Headers& headers) {
    Millis limit = 0;
    for_each_element(headers.value(HeaderId::KeepAlive), [&](std::string_view element) {
        constexpr std::string_view kTimeout = "timeout=";
        if (!starts_with_ignore_case(element, kTimeout)) return true;
        const auto seconds = parse_decimal(element.substr(kTimeout.size()));
        constexpr std::uint64_t kMost = 86'400;
        if (seconds) limit = static_cast<Millis>(std::min(*seconds, kMost)) * 1000 - 1000;
        if (limit <= 0) limit = 1;
        return false;
    });
    return limit;
}

}  // namespace

// Keeps the object while one of its functions is on the stack.
class H1Client::Turn {
public:
    explicit Turn(H1Client& client) : client_(client) { ++client_.depth_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (--client_.depth_ == 0 && client_.doomed_) delete &client_;
    }

private:
    H1Client& client_;
};

H1Client::H1Client(net::Worker& worker, net::TransportPtr transport)
    : worker_(worker), transport_(std::move(transport)) {
    transport_->set_events(this);
}

H1Client::~H1Client() {
    drop_output();
}

void H1Client::destroy() {
    events_ = nullptr;
    state_ = State::Dead;
    if (depth_ == 0) {
        delete this;
        return;
    }
    doomed_ = true;
    transport_->close();
    worker_.wheel().clear(*this);
}

// ---- the request

void H1Client::start(ClientEvents& events, IncomingResponse& response, Arena& arena,
                     const ClientLimits& limits, Method method, H1ResponseReader::Upgrade upgrade) {
    events_ = &events;
    response_ = &response;
    arena_ = &arena;
    limits_ = &limits;
    reader_.start(method, upgrade, limits.head);
    state_ = State::Active;
    body_ = BodyKind::None;
    ++requests_;
    paused_ = request_done_ = sent_ = received_ = write_failed_ = end_write_ = false;
    write_ended_ = peer_ended_ = false;
    above_high_water_ = was_full_ = reusable_ = false;
    peer_idle_limit_ = 0;
    wait_for_bytes();
}

Chain& H1Client::output() {
    if (output_ == nullptr) output_ = worker_.take_chain();
    return *output_;
}

void H1Client::drop_output() {
    if (output_ == nullptr) return;
    output_->clear();
    worker_.give_chain(std::exchange(output_, nullptr));
}

void H1Client::send_body(std::string_view bytes, Ref<RefCounted> owner) {
    if (bytes.empty() || write_failed_ || state_ != State::Active) return;
    Chain& out = output();
    const bool chunked = body_ == BodyKind::Chunked && !reader_.is_raw();
    if (chunked) {
        constexpr std::size_t kSizeLine = 18;
        out.commit(write_chunk_size(out.reserve(kSizeLine), bytes.size()));
    }
    if (owner) {
        out.append(bytes, std::move(owner));
    } else {
        out.append_copy(bytes);
    }
    if (chunked) out.append_copy(kCrLf);
    if (out.bytes() > kHighWater) above_high_water_ = true;
}

void H1Client::finish_request(const Headers* trailers) {
    if (state_ != State::Active) return;
    if (reader_.is_raw()) {
        end_write_ = true;
    } else if (body_ == BodyKind::Chunked && !write_failed_) {
        output().append_copy("0\r\n");
        write_trailers(trailers, output());
    }
    request_done_ = true;
}

void H1Client::flush() {
    if (blocked_ || write_failed_ || state_ != State::Active) return;
    if (output_ != nullptr) {
        const std::size_t before = output_->bytes();
        const net::Io io = transport_->write(*output_);
        sent_ = sent_ || output_->bytes() < before;
        switch (io.kind) {
            case net::Io::Kind::Done:
                drop_output();
                break;
            case net::Io::Kind::Blocked:
                blocked_ = true;
                break;
            case net::Io::Kind::Closed:
            case net::Io::Kind::Failed:
                // The peer may have answered before it closed: what it said is read first, and on_readable()
                // finds the failure behind it.
                write_failed_ = true;
                drop_output();
                come_back();
                break;
        }
    }
    if (end_write_ && output_ == nullptr && !write_failed_) {
        end_write_ = false;
        write_ended_ = true;
        transport_->shutdown_write();
        if (peer_ended_) come_back();
    }
    set_timer();
}

// on_readable() in a turn of its own: whoever flushes does not expect the end within the call.
void H1Client::come_back() {
    transport_->set_more(true);
    if (!paused_) wait_for_bytes();
}

void H1Client::flush_later() {
    if (blocked_ || write_failed_ || state_ != State::Active) return;
    transport_->want_write_again();
}

void H1Client::on_writable() {
    const Turn turn(*this);
    blocked_ = false;
    if (state_ != State::Active) return;
    flush();
    if (above_high_water_ && queued() < kLowWater) {
        above_high_water_ = false;
        events_->on_request_drained();
    }
}

// ---- the response

void H1Client::pause() {
    paused_ = true;
}

void H1Client::resume() {
    if (!paused_) return;
    paused_ = false;
    if (state_ != State::Active) return;
    wait_for_bytes();
    set_timer();
}

void H1Client::wait_for_bytes() {
    if (transport_->is_waiting_for_read()) return;
    if (transport_->has_more()) transport_->set_more(true);
    transport_->want_read();
}

void H1Client::on_readable() {
    const Turn turn(*this);
    if (state_ == State::Active) {
        if (peer_ended_) return end_response(By::Close);
        if (!paused_) read_some();
        return;
    }
    if (state_ != State::Idle) return;
    if (is_quiet()) return wait_for_bytes();
    fail(Error{Code::Closed, Side::Upstream, Retry::No, 0, "while the connection was idle"});
}

// Nothing more to read, and not closed?
bool H1Client::is_quiet() {
    char byte;
    return transport_->read(&byte, 1).kind == net::Io::Kind::Blocked;
}

void H1Client::read_some() {
    std::size_t read = 0;
    while (!paused_) {
        prepare_input();
        const std::size_t room = input_->room();
        const net::Io io = transport_->read(input_->tail(), room);
        if (io.kind == net::Io::Kind::Blocked) break;
        if (io.kind == net::Io::Kind::Closed) return take_close();
        if (io.kind == net::Io::Kind::Failed) return take_failure(io.error);
        received_ = true;
        was_full_ = io.bytes == room;
        input_->grow(io.bytes);
        read += io.bytes;
        if (!consume()) return;
        if (!transport_->has_more() || read >= kTurnBytes) break;
    }
    if (!paused_) wait_for_bytes();
    set_timer();
    events_->on_turn_end();
    if (is_usable()) let_input_go();
}

// Where the next bytes go: behind the last ones while there is room, so that small pieces share a block.
void H1Client::prepare_input() {
    if (input_ && parsed_ == input_->size()) {
        if (!input_->is_shared() && !was_full_) {
            input_->set_size(0);
            parsed_ = 0;
        } else if (was_full_ || input_->room() < kWorthReading) {
            input_.reset();
        }
    }
    if (!input_) {
        parsed_ = 0;
        input_ = was_full_ ? worker_.blocks().take_large(kLargeBlock) : worker_.blocks().take();
    } else if (input_->room() == 0) {
        // An incomplete head or trailer: it has to lie in one piece. The parser's limit bounds its size.
        const std::string_view rest = input_->view().substr(parsed_);
        Ref<Block> larger = worker_.blocks().take_large(std::max(BlockPool::kBytes, rest.size() * 2));
        std::memcpy(larger->data(), rest.data(), rest.size());
        larger->grow(rest.size());
        input_ = std::move(larger);
        parsed_ = 0;
    }
}

// Idle and slow connections hold no buffer.
void H1Client::let_input_go() {
    if (input_ && parsed_ == input_->size() && !input_->is_shared()) input_.reset();
}

// False: the response is over, one way or the other, and events_ must not be used any more.
bool H1Client::consume() {
    for (;;) {
        const auto step = reader_.feed(input_->view().substr(parsed_), *response_);
        if (!step) {
            fail(step.error());
            return false;
        }
        parsed_ += step->consumed;
        if (step->event == H1ResponseReader::Event::NeedMore) return true;
        if (!take(*step)) return false;
    }
}

bool H1Client::take(const H1ResponseReader::Step& step) {
    switch (step.event) {
        case H1ResponseReader::Event::NeedMore:
            break;
        case H1ResponseReader::Event::Interim:
            // The client was told to continue when its body was asked for.
            if (response_->head.status != 100) events_->on_interim(response_->head);
            break;
        case H1ResponseReader::Event::Head:
            keep_head(step.consumed);
            events_->on_response_head(response_->head);
            break;
        case H1ResponseReader::Event::Body:
            events_->on_response_body(step.data, input_);
            break;
        case H1ResponseReader::Event::End:
            end_response(By::Framing);
            return false;
    }
    return is_usable();
}

// Moves the head to the arena: its fields are wanted until the log line is written, the block is not.
void H1Client::keep_head(std::size_t size) {
    const char* const from = input_->data() + parsed_ - size;
    auto* const to = static_cast<char*>(arena_->allocate(size, 1));
    std::memcpy(to, from, size);
    const auto move = [&](std::string_view& view) {
        if (view.data() >= from && view.data() <= from + size)
            view = {to + (view.data() - from), view.size()};
    };
    ResponseHead& head = response_->head;
    move(head.reason);
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
        Field& field = head.headers.at(i);
        move(field.name);
        move(field.value);
    }
    if (head.headers.has(HeaderId::KeepAlive)) peer_idle_limit_ = idle_limit_of(head.headers);
}

void H1Client::end_response(By by) {
    const bool nothing_left = !input_ || parsed_ == input_->size();
    reusable_ = by == By::Framing && nothing_left && response_->head.keep_alive && !reader_.needs_close() &&
                request_done_ && output_ == nullptr && !write_failed_;
    if (reusable_ && transport_->has_more()) reusable_ = is_quiet();
    // The trailers' views point into the block, and the callback may start the next request.
    const Ref<Block> held = std::exchange(input_, {});
    parsed_ = 0;
    state_ = State::Ended;
    worker_.wheel().clear(*this);
    const Headers& trailers = std::exchange(response_, nullptr)->trailers;
    std::exchange(events_, nullptr)->on_response_end(trailers.empty() ? nullptr : &trailers);
}

void H1Client::take_close() {
    if (reader_.is_raw() && !write_ended_ && !write_failed_) {
        peer_ended_ = true;
        transport_->set_more(false);
        let_input_go();
        set_timer();
        return events_->on_peer_ended();
    }
    const auto step = reader_.feed_end(received_ && input_ && parsed_ != input_->size());
    if (step) return end_response(By::Close);
    Error error = step.error();
    if (!sent_) error.retry = Retry::Yes;
    fail(error);
}

void H1Client::take_failure(const Error& error) {
    Error mine = error;
    mine.side = Side::Upstream;
    mine.context = received_ ? "in the middle of the response" : "while waiting for the response";
    mine.retry = received_ ? Retry::No : sent_ ? Retry::OnlyIfReused : Retry::Yes;
    fail(mine);
}

void H1Client::fail(const Error& error) {
    state_ = State::Dead;
    worker_.wheel().clear(*this);
    transport_->close();
    drop_output();
    std::exchange(events_, nullptr)->on_client_failed(*this, error);
}

// ---- time

void H1Client::set_timer() {
    if (state_ != State::Active) return;
    Millis limit = 0;
    if (reader_.is_raw()) {
        limit = tunnel_limit();
    } else if (blocked_) {
        limit = limits_->send_timeout;
    } else if (write_failed_ || (request_done_ && !paused_)) {
        limit = limits_->response_timeout;
    }
    // Without a limit the other side's deadlines hold: it sends the body, or takes the response.
    if (limit == 0) return worker_.wheel().clear(*this);
    worker_.wheel().set(*this, worker_.now() + limit);
}

// A silent tunnel is nobody's mistake while both may still speak. Once one of them has ended its direction
// the rest is like an ordinary exchange: something to be taken, or something to be answered.
Millis H1Client::tunnel_limit() const {
    Millis limit = limits_->tunnel_timeout;
    if (peer_ended_ || end_write_) limit = std::min(limit, limits_->send_timeout);
    if (write_ended_ && !paused_) limit = std::min(limit, limits_->response_timeout);
    return limit;
}

void H1Client::on_deadline() {
    const Turn turn(*this);
    if (state_ == State::Idle) {
        return fail(Error{Code::Closed, Side::Upstream, Retry::No, 0, "while the connection was idle"});
    }
    if (state_ != State::Active) return;
    const char* context = "while waiting for the response";
    if (reader_.is_raw()) {
        context = "while the tunnel was idle";
    } else if (blocked_) {
        context = "while sending the request";
    } else if (reader_.is_head_complete()) {
        context = "in the middle of the response";
    }
    fail(Error{Code::UpstreamTimeout, Side::Upstream, Retry::No, 0, context});
}

void H1Client::keep_idle(ClientEvents& owner, Millis timeout) {
    events_ = &owner;
    state_ = State::Idle;
    reusable_ = false;
    worker_.wheel().set(*this, worker_.now() + timeout);
    wait_for_bytes();
}

}  // namespace gantry::http
