// The writing side of an HTTP/1 connection: heads, body framing, the send queue.
#include "core/http/h1_active.hpp"
#include "core/http/h1_writer.hpp"

#include <sys/socket.h>

namespace gantry::http {
namespace {

constexpr std::uint64_t kDiscardable = 64 * 1024;  // unread body that is dropped to keep the connection
constexpr std::size_t kCopied = 1024;              // pieces up to this join the block before them

}  // namespace

Chain& H1Active::out() {
    if (out_ == nullptr) out_ = worker_.take_chain();
    return *out_;
}

void H1Active::send_interim(int status, const Headers* headers) {
    if (version_ == Version::Http10 || reply_ != Reply::None) return;
    const Turn turn(*this);
    write_interim_head(status, headers, out());
}

// Will this connection end with this response?
bool H1Active::must_close(const ResponseHead& head) const {
    const H1Settings& limits = settings();
    if (!head.keep_alive || end_ != End::No || limits.draining) return true;
    if (limits.max_requests != 0 && connection_->requests_ >= limits.max_requests) return true;
    if (reply_kind_ == BodyKind::UntilClose) return true;
    if (body_.is_complete() || reader_ != nullptr) return false;
    // The body was not asked for. A small one is dropped, but a client that waits for 100 may send it or not.
    return expects_continue_ || body_.kind() != BodyKind::Length || body_.left() > kDiscardable;
}

void H1Active::send_head(const ResponseHead& head) {
    if (reply_ != Reply::None) return;
    reply_ = Reply::Head;
    raw_ = head.status == 101;
    reply_bodiless_ = method_ == Method::Head || (status_forbids_body(head.status) && !raw_);
    reply_kind_ = raw_ ? BodyKind::UntilClose : head.body;
    if (reply_kind_ == BodyKind::Chunked && version_ == Version::Http10) reply_kind_ = BodyKind::UntilClose;
    if (reply_bodiless_ && reply_kind_ == BodyKind::UntilClose) reply_kind_ = BodyKind::None;
    reply_left_ = head.content_length;
    if (must_close(head)) keep_alive_ = false;
    if (raw_) body_.start(BodyKind::UntilClose, 0);
    const std::size_t before = queued();
    write_response_head(head, version_, keep_alive_ || raw_, worker_.http_date(), settings().server_header,
                        out());
    sent_ += queued() - before;
}

void H1Active::send_body(std::string_view bytes, Ref<RefCounted> owner) {
    if (reply_ != Reply::Head || reply_bodiless_ || bytes.empty()) return;
    if (!frame_piece(bytes.size())) return;
    owner&& bytes.size() > kCopied ? out().append(bytes, std::move(owner)) : out().append_copy(bytes);
    end_piece(bytes.size());
}

void H1Active::send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) {
    if (reply_ != Reply::Head || reply_bodiless_ || size == 0) return;
    if (!frame_piece(size)) return;
    reply_has_file_ = true;
    out().append_file(fd, offset, size, std::move(owner));
    end_piece(size);
}

// What goes before a piece of body. False: it must not be sent, as the head promised less.
bool H1Active::frame_piece(std::size_t size) {
    if (reply_kind_ == BodyKind::Length) {
        if (size > reply_left_) {
            abort();
            return false;
        }
        reply_left_ -= size;
    } else if (reply_kind_ == BodyKind::Chunked) {
        char line[20];
        const std::size_t length = write_chunk_size(line, size);
        out().append_copy({line, length});
        sent_ += length + 2;
    }
    return true;
}

void H1Active::end_piece(std::size_t size) {
    if (reply_kind_ == BodyKind::Chunked) out().append_copy("\r\n");
    sent_ += size;
    if (queued() > kHighWater) congested_ = true;
}

void H1Active::finish(const Headers* trailers) {
    if (reply_ != Reply::Head) return;
    const Turn turn(*this);
    // Fewer bytes than promised: the client must not wait for the rest, nor take the next response for it.
    if (reply_kind_ == BodyKind::Length && reply_left_ > 0 && !reply_bodiless_) return abort();
    if (reply_kind_ == BodyKind::Chunked && !reply_bodiless_) {
        const std::size_t before = queued();
        out().append_copy("0\r\n");
        write_trailers(trailers, out());
        sent_ += queued() - before;
    }
    // The rest of an unread body is dropped or the connection closed, see end_request().
    if (!body_.is_complete() && (body_.kind() != BodyKind::Length || body_.left() > kDiscardable))
        keep_alive_ = false;
    reply_ = Reply::Finished;
    reader_ = nullptr;
    body_paused_ = false;
}

void H1Active::end_write() {
    if (!raw_ || reply_ != Reply::Head) return;
    const Turn turn(*this);
    end_write_ = true;
}

void H1Active::abort() {
    if (reply_ == Reply::Finished) return;
    const Turn turn(*this);
    aborted_ = true;
    reply_ = Reply::Finished;
    keep_alive_ = false;
    // Where only the close marks the end of a body, a reset is the way to say that this is not it.
    const linger reset{1, 0};
    if (reply_kind_ == BodyKind::UntilClose) {
        ::setsockopt(transport().fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
}

void H1Active::flush() {
    const Turn turn(*this);
}

// Is the exchange over once its response is queued? A large or file-backed one is watched until the kernel
// has it.
bool H1Active::may_complete() const {
    return aborted_ || queued() == 0 || (!reply_has_file_ && queued() <= kHighWater);
}

void H1Active::flush_now() {
    if (out_ != nullptr && !out_->empty()) {
        const net::Io io = transport().write(*out_);
        if (io.bytes > 0) progressed_ = true;
        if (io.kind == net::Io::Kind::Failed) {
            Error error = io.error;
            error.side = Side::Client;
            error.context = "while sending the response";
            abort_exchange(error);
            return close(End::Now);
        }
        if (io.kind == net::Io::Kind::Blocked) return;
    }
    if (out_ != nullptr) worker_.give_chain(std::exchange(out_, nullptr));
    if (std::exchange(end_write_, false)) transport().shutdown_write();
}

}  // namespace gantry::http
