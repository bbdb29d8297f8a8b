// Reading and the life of a turn; h1_reply.cpp has the writing side.
#include "core/http/h1_active.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::http {
namespace {

constexpr int kRoundsPerTurn = 16;         // reads and writes before other connections get their turn
constexpr std::size_t kRoomWanted = 1024;  // a read into less than this is not worth a system call
constexpr Millis kLinger = 5'000;

Error client_error(Code code, const char* context) {
    return Error{code, Side::Client, Retry::No, 0, context};
}

}  // namespace

// ---- events
// ----------------------------------------------------------------------------------------------------

void H1Active::on_readable() {
    const Turn turn(*this);
    int rounds = 0;
    do {
        if (!make_room()) return;
        const net::Io io = transport().read(in_->tail(), in_->room());
        if (io.kind == net::Io::Kind::Blocked) return;
        if (io.kind == net::Io::Kind::Closed) return on_peer_closed();
        if (io.kind == net::Io::Kind::Failed) {
            Error error = io.error;
            error.side = Side::Client;  // a transport does not know what it is used for
            abort_exchange(error);
            return close(End::Now);
        }
        in_->grow(io.bytes);
        if (lingering_) at_ = in_->size();
        process_input();
    } while (end_ != End::Now && transport().has_more() && wants_input() && ++rounds < kRoundsPerTurn);
}

void H1Active::on_writable() {
    const Turn turn(*this);  // settle() writes
    if (exchange_ == nullptr || wants_input() || (!transport().is_reset() && !is_body_cut())) return;
    abort_exchange(client_error(Code::Closed, "while its request body had to wait"));
    close(End::Now);
}

void H1Active::on_deadline() {
    if (postponed_) {
        // What the deadline was for has happened in the same batch.
        connection_->wait_ = H1Connection::Wait::Nothing;
        worker_.forget(*this);
        return on_batch_end();
    }
    const Turn turn(*this);
    using Wait = H1Connection::Wait;
    switch (connection_->wait_) {
        case Wait::Head:
            // Part of a head came: the client is there, and is told. Nothing it sends now is read as a
            // request.
            exchange_ = &settings().exchanges->acquire(*this);
            refuse_head(client_error(Code::RequestTimeout, "while reading the request head"));
            break;
        case Wait::Body:
            fail_body(client_error(Code::RequestTimeout, "while reading the request body"));
            break;
        case Wait::Send:
            abort_exchange(client_error(Code::RequestTimeout, "while sending the response"));
            close(End::Now);
            break;
        default:
            close(End::Now);
            break;
    }
    connection_->wait_ = Wait::Nothing;
}

void H1Active::on_peer_closed() {
    peer_closed_ = true;
    if (lingering_) return close(End::Now);
    if (raw_) return process_input();
    if (exchange_ == nullptr || reply_ == Reply::Finished) return close(End::AfterReply);
    // A FIN in the middle of an exchange: a client that left, as far as anyone can tell.
    abort_exchange(client_error(Code::Closed, body_.is_complete() ? "while the response was made"
                                                                  : "while reading the request body"));
    close(End::Now);
}

// ---- reading
// ---------------------------------------------------------------------------------------------------

bool H1Active::wants_input() const {
    if (lingering_) return true;
    if (peer_closed_ || (body_paused_ && !body_.is_complete())) return false;
    // Whatever the exchange does not read yet waits here, up to one block; then the client has to wait.
    return !in_ || in_->size() - at_ < BlockPool::kBytes || exchange_ == nullptr;
}

// Makes sure that a read has somewhere to go. Views into a block that someone else holds stay valid.
bool H1Active::make_room() {
    if (!in_) {
        in_ = worker_.blocks().take();
        at_ = 0;
        return true;
    }
    const std::size_t rest = in_->size() - at_;
    if (rest == 0 && !in_->is_shared()) {
        in_->set_size(0);
        at_ = 0;
    }
    if (in_->room() >= kRoomWanted) return true;
    Ref<Block> larger = worker_.blocks().take_large(std::max(BlockPool::kBytes, rest * 2));
    std::memcpy(larger->data(), in_->data() + at_, rest);
    larger->set_size(rest);
    in_ = std::move(larger);
    at_ = 0;
    return true;
}

// A client that is slow with its head keeps little memory: five thousand of them are an ordinary attack.
void H1Active::shrink_input() {
    const std::size_t rest = in_->size() - at_;
    if (in_->capacity() < BlockPool::kBytes || rest > kRoomWanted) return;
    Ref<Block> small = worker_.blocks().take_large(2 * kRoomWanted);
    std::memcpy(small->data(), in_->data() + at_, rest);
    small->set_size(rest);
    in_ = std::move(small);
    at_ = 0;
}

// Does everything that the bytes at hand allow.
void H1Active::process_input() {
    while (end_ == End::No || exchange_ != nullptr) {
        if (exchange_ == nullptr) {
            if (end_ != End::No || !next_request()) return;
        }
        // Of a request that was just begun as well: its body may be here, and no event will follow.
        if (exchange_ != nullptr && reply_ != Reply::Finished) deliver_body();
        if (reply_ != Reply::Finished || !may_complete()) return;
        complete_reply();
    }
}

// Reads the next head. False: there is none yet.
bool H1Active::next_request() {
    if (discarding_ && !discard_body()) return false;
    const std::string_view input = in_ ? in_->view().substr(at_) : std::string_view{};
    if (input.empty()) return false;
    if (head_since_ == 0) head_since_ = worker_.now_nanos();
    exchange_ = &settings().exchanges->acquire(*this);
    const auto size = parse_request_head(input, settings().limits, exchange_->request(), scanned_);
    if (size && *size == 0) {
        settings().exchanges->discard(*std::exchange(exchange_, nullptr));
        return false;
    }
    scanned_ = 0;
    ++connection_->requests_;
    head_nanos_ = worker_.now_nanos() - std::exchange(head_since_, 0);
    head_bytes_ = size ? *size : 0;
    if (!size) {
        refuse_head(size.error());
        return true;
    }
    at_ += *size;
    head_block_ = in_;
    begin_request();
    exchange_->start();
    return true;
}

void H1Active::begin_request() {
    const RequestHead& head = exchange_->request();
    method_ = head.method;
    version_ = head.version;
    keep_alive_ = head.keep_alive;
    expects_continue_ = head.expects_continue;
    body_.start(head.body, head.content_length);
    body_since_ = worker_.now();
}

// Where framing is in doubt nothing behind it can be trusted: answer, and close.
void H1Active::refuse_head(const Error& error) {
    method_ = exchange_->request().method;
    version_ = Version::Http11;
    keep_alive_ = false;
    body_.start(BodyKind::None, 0);
    if (in_) at_ = in_->size();
    close(End::Linger);
    exchange_->start_failed(error);
}

void H1Active::deliver_body() {
    if (reader_ == nullptr || body_ended_) return;
    Headers trailers(exchange_->arena());
    while (!body_.is_complete() && !body_paused_ && reader_ != nullptr) {
        const std::string_view input = in_ ? in_->view().substr(at_) : std::string_view{};
        if (input.empty()) break;
        const auto step = body_.feed(input, settings().limits, trailers);
        if (!step) return fail_body(step.error());
        if (step->consumed == 0) break;
        at_ += step->consumed;
        body_received_ += step->data.size();
        progressed_ = true;
        if (!step->data.empty()) reader_->on_body(step->data, in_);
    }
    if (reader_ == nullptr || body_paused_) return;
    if (body_.is_complete() || (raw_ && peer_closed_)) {
        body_ended_ = true;
        return reader_->on_body_end(trailers.empty() ? nullptr : &trailers);
    }
    if (!raw_ && is_body_slow())
        fail_body(
            client_error(Code::RequestTimeout, "while reading the request body, which comes too slowly"));
}

bool H1Active::is_body_slow() {
    const Millis elapsed = worker_.now() - body_since_;
    if (settings().body_min_rate == 0 || elapsed <= settings().body_timeout) return false;
    return body_received_ < settings().body_min_rate * static_cast<std::uint64_t>(elapsed) / 1000;
}

// While the client has to wait: has it ended its direction with less than the rest of the body sent? The end
// behind a whole body is found when that was read, and so is the one of a body whose length nobody knows.
bool H1Active::is_body_cut() const {
    if (body_.is_complete() || body_.kind() != BodyKind::Length || reply_ == Reply::Finished) return false;
    const std::int64_t waiting = transport().bytes_before_end();
    if (waiting < 0) return false;
    const std::size_t here = transport().bytes_held() + (in_ ? in_->size() - at_ : 0);
    return here + static_cast<std::uint64_t>(waiting) < body_.left();
}

// Drops what is left of a small body that nobody read. True: done, a head may follow.
bool H1Active::discard_body() {
    static thread_local Arena arena;
    Headers trailers(arena);
    while (!body_.is_complete() && in_ && at_ < in_->size()) {
        const auto step = body_.feed(in_->view().substr(at_), settings().limits, trailers);
        if (!step || step->consumed == 0) return false;
        at_ += step->consumed;
    }
    discarding_ = !body_.is_complete();
    return !discarding_;
}

void H1Active::fail_body(const Error& error) {
    if (in_) at_ = in_->size();
    reader_ = nullptr;
    body_paused_ = false;
    keep_alive_ = false;
    close(End::Linger);
    if (exchange_ != nullptr && reply_ != Reply::Finished) exchange_->on_body_failed(error);
}

void H1Active::read_body(BodyReader& reader) {
    const Turn turn(*this);
    reader_ = &reader;
    body_since_ = worker_.now();
    const bool is_waiting = expects_continue_ && !body_.is_complete() && reply_ == Reply::None &&
                            version_ != Version::Http10 && (!in_ || at_ == in_->size());
    expects_continue_ = false;
    if (is_waiting) send_interim(100, nullptr);
}

void H1Active::pause_body() {
    body_paused_ = true;
}

void H1Active::resume_body() {
    const Turn turn(*this);
    // The time that we made the client wait does not count against it.
    if (body_paused_) body_since_ = worker_.now(), body_received_ = 0;
    body_paused_ = false;
}

// ---- the end of a turn
// -----------------------------------------------------------------------------------------

void H1Active::settle() {
    depth_ = 1;  // calls from below are part of this turn
    if (end_ != End::Now) {
        process_input();
        if (postpone()) return;
        write_rounds();
    }
    end_turn();
}

// Responses that are complete leave together with those of the other connections, when there are such.
bool H1Active::postpone() {
    if (exchange_ != nullptr || end_ != End::No || queued() == 0 || congested_ || discarding_) return false;
    if (!postponed_ && !worker_.postpone(*this)) return false;
    postponed_ = true;
    // The next connection reads into the block that is in the cache.
    if (in_ && at_ == in_->size()) {
        in_.reset();
        at_ = 0;
    }
    depth_ = 0;
    return true;
}

void H1Active::on_batch_end() {
    postponed_ = false;
    depth_ = 1;
    write_rounds();
    end_turn();
}

void H1Active::write_rounds() {
    for (int round = 0;; ++round) {
        flush_now();  // also the last words of a connection that is to end now
        if (end_ == End::Now) return;
        if (reply_ == Reply::Finished && exchange_ != nullptr && may_complete()) {
            complete_reply();
        } else {
            if (!congested_ || queued() > kLowWater) return;
            if (round >= kRoundsPerTurn) {
                transport().want_write_again();  // more to produce, but others first
                return;
            }
            congested_ = false;
            if (exchange_ == nullptr || reply_ == Reply::Finished) return;
            exchange_->on_drained();
        }
        if (end_ != End::Now) process_input();
    }
}

void H1Active::end_turn() {
    if (exchange_ == nullptr && queued() == 0) {
        if (end_ == End::AfterReply) close(End::Now);
        if (end_ == End::Linger && !lingering_) start_linger();
        // Whoever drains the server ends idle connections, and this one was not idle then.
        if (settings().draining && end_ == End::No && !discarding_ && (!in_ || at_ == in_->size())) {
            close(End::Now);
        }
    }
    if (end_ == End::Now) {
        abort_exchange(client_error(Code::Closed, "while closing"));
        delete connection_;  // and takes this back
        return;
    }
    depth_ = 0;
    await_next_event();
}

// The response is out, or small enough that the queue takes it from here.
void H1Active::complete_reply() {
    ServerExchange* exchange = std::exchange(exchange_, nullptr);
    reader_ = nullptr;
    exchange->on_sent();
    end_request();
}

void H1Active::end_request() {
    if (settings().draining) keep_alive_ = false;  // also where the head, sent before, promised otherwise
    if (raw_ || aborted_) {
        close(aborted_ ? End::Now : End::Linger);
    } else if (!keep_alive_) {
        // Bytes that nobody read would turn our close into a reset, which can overtake the response.
        const bool unread = !body_.is_complete() || (in_ && at_ < in_->size()) || transport().has_more();
        close(unread ? End::Linger : End::AfterReply);
    } else if (!body_.is_complete()) {
        discarding_ = true;
    }
    head_block_.reset();
    body_paused_ = body_ended_ = false;
    congested_ = reply_has_file_ = false;
    reply_ = Reply::None;
    body_received_ = 0;
    sent_ = 0;
}

void H1Active::await_next_event() {
    using Wait = H1Connection::Wait;
    if (wants_input()) {
        transport().want_read();
    } else if (exchange_ != nullptr) {
        transport().want_write();  // the client may vanish while it has to wait
    }
    const H1Settings& limits = settings();
    const bool progressed = std::exchange(progressed_, false);
    const auto keep = [&](Wait what, Millis timeout) {
        if (connection_->wait_ != what || progressed) connection_->wait_for(what, timeout);
    };
    if (lingering_) return;
    if (queued() > 0) return keep(Wait::Send, limits.send_timeout);
    if (exchange_ != nullptr) {
        if (reader_ != nullptr && !body_paused_ && !body_.is_complete() && !raw_) {
            return keep(Wait::Body, limits.body_timeout);
        }
        if (connection_->wait_ != Wait::Nothing) connection_->wait_for(Wait::Nothing, 0);
        return;
    }
    if (discarding_) return keep(Wait::Body, limits.body_timeout);
    if (in_ && at_ < in_->size()) {
        shrink_input();
        // Not moved by progress: a head has to be complete within this time.
        if (connection_->wait_ != Wait::Head) connection_->wait_for(Wait::Head, limits.head_timeout);
        return;
    }
    connection_->wait_for(Wait::Idle, limits.idle_timeout);
    connection_->release_active();
}

void H1Active::start_linger() {
    transport().shutdown_write();
    lingering_ = true;
    if (in_) at_ = in_->size();
    if (peer_closed_) return close(End::Now);
    connection_->wait_for(H1Connection::Wait::Linger, kLinger);
}

void H1Active::abort_exchange(const Error& error) {
    reader_ = nullptr;
    if (ServerExchange* exchange = std::exchange(exchange_, nullptr)) exchange->on_aborted(error);
}

void H1Active::reset() {
    if (postponed_) worker_.forget(*this);
    if (out_ != nullptr) worker_.give_chain(std::exchange(out_, nullptr));
    in_.reset();
    head_block_.reset();
    at_ = scanned_ = head_bytes_ = 0;
    head_since_ = head_nanos_ = 0;
    connection_ = nullptr;
    exchange_ = nullptr;
    reader_ = nullptr;
    depth_ = 0;
    end_ = End::No;
    reply_ = Reply::None;
    lingering_ = peer_closed_ = body_paused_ = body_ended_ = discarding_ = raw_ = aborted_ = end_write_ =
        false;
    congested_ = reply_has_file_ = progressed_ = postponed_ = false;
    body_received_ = sent_ = 0;
}

ServerStream::Facts H1Active::facts() const {
    Facts facts;
    facts.client = &connection_->client_;
    facts.tls = transport().tls();
    facts.listener = settings().listener;
    facts.connection_id = (static_cast<std::uint64_t>(worker_.index()) << 32) | connection_->id_;
    facts.request_number = connection_->requests_;
    facts.fd = transport().fd();
    facts.notes = connection_->notes_.get();
    return facts;
}

ServerStream::Arrival H1Active::arrival() const {
    Arrival arrival;
    arrival.head_nanos = head_nanos_;
    arrival.head_bytes = head_bytes_;
    if (connection_->requests_ > 1) return arrival;
    arrival.queue_nanos = static_cast<std::int64_t>(connection_->queued_) * 1024;
    if (connection_->handshake_ != 0) {
        arrival.handshake_nanos = static_cast<std::int64_t>(connection_->handshake_) * 1024;
    }
    return arrival;
}

}  // namespace gantry::http
