#include "core/net/tls_engine.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/net/file_reader.hpp"
#include "core/net/receive.hpp"
#include "core/net/tls_context.hpp"
#include "core/net/tls_handles.hpp"
#include "core/net/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace gantry::net {

namespace {

constexpr std::size_t kTurnBytes = 1024 * 1024;
constexpr std::uint8_t kFillsPerCall = 4;  // so that a flood of records without content holds nobody up
constexpr std::size_t kMaxUnsent = 256 * 1024;
constexpr std::uint32_t kMaxRefusedBytes = 1024 * 1024;

constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 82\r\n"
    "Connection: close\r\n"
    "\r\n"
    "This port speaks HTTPS, but the request came as plain HTTP. Use an https:// URL.\r\n";
static_assert(kPlainHttpAnswer.substr(kPlainHttpAnswer.find("\r\n\r\n") + 4).size() == 82);

// A method and a space, or the beginning of that. No TLS record starts with a letter (RFC 8446 5.1).
bool looks_like_http(const char* bytes, std::size_t size) {
    std::size_t i = 0;
    while (i < size && bytes[i] >= 'A' && bytes[i] <= 'Z') ++i;
    return i > 0 && (i == size || bytes[i] == ' ');
}

}  // namespace

// The BIO below OpenSSL. Writing never blocks: what is written waits in the thread's buffer for flush().
struct TlsTransport::Bio {
    static int read(BIO* bio, char* to, int size) {
        BIO_clear_retry_flags(bio);
        auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
        if (!self.has_received() && !self.fill()) {
            if (self.ended_) return 0;
            if (!self.broken_ && !self.plain_http_) BIO_set_retry_read(bio);
            return -1;
        }
        auto wanted = static_cast<std::size_t>(size);
        if (self.aside_) {
            Block& aside = *self.aside_;
            wanted = std::min(wanted, aside.size() - self.aside_at_);
            std::memcpy(to, aside.data() + self.aside_at_, wanted);
            self.aside_at_ += static_cast<std::uint32_t>(wanted);
            if (self.aside_at_ == aside.size()) self.aside_.reset();
            return static_cast<int>(wanted);
        }
        TlsLibrary::Received& received = self.library_->received();
        wanted = std::min(wanted, received.end - received.begin);
        std::memcpy(to, received.bytes + received.begin, wanted);
        received.begin += wanted;
        return static_cast<int>(wanted);
    }

    static int write(BIO* bio, const char* from, int size) {
        BIO_clear_retry_flags(bio);
        auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
        TlsLibrary::Sending& sending = self.library_->sending();
        auto left = static_cast<std::size_t>(size);
        while (left > 0) {
            if (sending.room() == 0 && !self.flush()) return -1;
            const std::size_t part = std::min(left, sending.room());
            std::memcpy(sending.bytes + sending.size, from, part);
            sending.size += part;
            from += part;
            left -= part;
        }
        return size;
    }

    static long control(BIO* bio, int command, long, void*) {
        if (command == BIO_CTRL_FLUSH) return 1;
        if (command == BIO_CTRL_EOF) return static_cast<TlsTransport*>(BIO_get_data(bio))->ended_ ? 1 : 0;
        return 0;
    }

    static const BIO_METHOD* method() {
        static const BIO_METHOD* const instance = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gantry transport");
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }();
        return instance;
    }
};

// What tls() tells, made when somebody asks.
struct TlsTransport::Facts {
    TlsInfo info;
    std::string server_name;
    std::string client_subject;
};

TlsTransport::TlsTransport(UniqueFd fd, ssl_st* ssl, Ref<RefCounted> context,
                           std::shared_ptr<TlsLibrary> library, Side peer)
    : Transport(std::move(fd)),
      ssl_(ssl),
      context_(std::move(context)),
      library_(std::move(library)),
      peer_(peer) {}

TlsTransport::~TlsTransport() {
    if (guard_ != nullptr) *guard_ = nullptr;
    TlsLibrary::Received& received = library_->received();
    if (received.owner == this) received.owner = nullptr;
    // A connection that was not shut down in order would make its session unusable (RFC 2246 7.2.1, long
    // withdrawn).
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
}

bool TlsTransport::start() {
    BIO* const bio = BIO_new(Bio::method());
    if (bio == nullptr) return false;
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    if (SSL_is_server(ssl_) != 0) {
        want_read();
    } else {
        want_write_again();  // the first flight is ours; sent from an event so that a failure can be told
    }
    return true;
}

TransportPtr start_tls(UniqueFd fd, ssl_st* ssl, Ref<RefCounted> context, std::shared_ptr<TlsLibrary> library,
                       Side peer) {
    if (ssl == nullptr) return nullptr;
    auto* transport = new TlsTransport(std::move(fd), ssl, std::move(context), std::move(library), peer);
    TransportPtr owned(transport);
    if (!transport->is_open() || !transport->start()) return nullptr;
    return owned;
}

// ---- bytes in

bool TlsTransport::has_received() const {
    const TlsLibrary::Received& received = library_->received();
    return aside_ || (received.owner == this && received.begin < received.end);
}

bool TlsTransport::fill() {
    if (!socket_more_ || ended_ || broken_ || fills_ == kFillsPerCall) return false;
    ++fills_;
    TlsLibrary::Received& received = library_->received();
    if (received.owner != nullptr && received.owner != this) received.owner->keep_received();
    received.owner = this;
    received.begin = received.end = 0;
    const ssize_t got = receive(received.bytes, sizeof received.bytes, socket_more_);
    if (got > 0) {
        received.end = static_cast<std::size_t>(got);
        if (!std::exchange(any_received_, true) && peer_ == Side::Client) {
            plain_http_ = looks_like_http(received.bytes, received.end);
        }
        return !plain_http_;
    }
    if (got == 0) {
        ended_ = true;
    } else if (errno != EAGAIN) {
        broken_ = true;
        system_ = errno;
    }
    return false;
}

void TlsTransport::keep_received() {
    TlsLibrary::Received& received = library_->received();
    const std::size_t size = received.end - received.begin;
    received.owner = nullptr;
    if (size == 0) return;
    aside_ = Worker::current()->blocks().take_large(std::max(size, BlockPool::kBytes));
    std::memcpy(aside_->data(), received.bytes + received.begin, size);
    aside_->set_size(size);
    aside_at_ = 0;
}

// OpenSSL itself has what is decrypted of one record, or a part of the next.
std::size_t TlsTransport::bytes_held() const {
    std::size_t held = kMaxRecordBytes + static_cast<std::size_t>(SSL_pending(ssl_));
    if (aside_) held += aside_->size() - aside_at_;
    const TlsLibrary::Received& received = library_->received();
    return received.owner == this ? held + (received.end - received.begin) : held;
}

// want_read() has to fire by itself while there is something that no edge will announce.
void TlsTransport::update_more() {
    set_more(socket_more_ || has_received() || SSL_pending(ssl_) > 0);
}

Io TlsTransport::fail(Code code, const char* context, int system) {
    state_ = State::Failed;
    set_more(false);
    return {Io::Kind::Failed, 0, Error{code, peer_, Retry::OnlyIfReused, system, context}};
}

Io TlsTransport::read(char* to, std::size_t size) {
    if (state_ == State::Over) return {Io::Kind::Closed, 0, {}};
    if (state_ != State::Open) return fail(Code::Closed, "on a TLS connection that is over");
    ERR_clear_error();
    fills_ = 0;
    std::size_t got = 0;
    const int verdict = SSL_read_ex(ssl_, to, size, &got);
    if (library_->sending().size > 0 && !flush())
        return fail(Code::Closed, "while answering a TLS message", system_);
    update_more();
    if (verdict == 1) return {Io::Kind::Done, got, {}};
    switch (SSL_get_error(ssl_, verdict)) {
        case SSL_ERROR_WANT_READ:
            return {Io::Kind::Blocked, 0, {}};
        case SSL_ERROR_ZERO_RETURN:
            set_more(false);
            return {Io::Kind::Closed, 0, {}};
        default:
            break;
    }
    if (broken_) return fail(Code::Closed, "while reading", system_);
    if (ended_) return fail(Code::Closed, "while reading: the connection ended without close_notify");
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    return fail(Code::Tls, reason != nullptr ? reason : "while decrypting");
}

// ---- bytes out

// Keeps what the kernel did not take. False: too much of that.
bool TlsTransport::keep_unsent(std::string_view first, std::string_view second) {
    const std::size_t size = first.size() + second.size();
    if (size > kMaxUnsent) return false;
    Ref<Block> block = Worker::current()->blocks().take_large(std::max(size, BlockPool::kBytes));
    for (const std::string_view part : {first, second}) {
        if (!part.empty()) std::memcpy(block->tail(), part.data(), part.size());
        block->grow(part.size());
    }
    unsent_ = std::move(block);
    unsent_at_ = 0;
    return true;
}

// Sends what is left from before and what the thread's buffer has, which is empty afterwards.
bool TlsTransport::flush() {
    TlsLibrary::Sending& sending = library_->sending();
    std::string_view first = unsent_ ? unsent_->view().substr(unsent_at_) : std::string_view();
    std::string_view second(sending.bytes, std::exchange(sending.size, 0));
    blocked_ = false;
    while (!broken_ && !blocked_ && first.size() + second.size() > 0) {
        iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                          {const_cast<char*>(second.data()), second.size()}};
        msghdr message{};
        message.msg_iov = first.empty() ? parts + 1 : parts;
        message.msg_iovlen = first.empty() ? 1 : 2;
        const ssize_t put = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
        if (put >= 0) {
            const std::size_t of_first = std::min(static_cast<std::size_t>(put), first.size());
            first.remove_prefix(of_first);
            second.remove_prefix(static_cast<std::size_t>(put) - of_first);
        } else if (errno == EAGAIN) {
            blocked_ = true;
        } else if (errno != EINTR) {
            broken_ = true;
            system_ = errno;
        }
    }
    if (broken_) {
        unsent_.reset();
        return false;
    }
    if (first.empty() && second.empty()) {
        unsent_.reset();
        return true;
    }
    if (second.empty()) {
        unsent_at_ = static_cast<std::uint32_t>(unsent_->size() - first.size());
        return true;
    }
    broken_ = !keep_unsent(first, second);
    return !broken_;
}

// Fills the thread's buffer with the chain's first bytes. 0: `error` says why, 0 for a file that became
// shorter.
std::size_t TlsTransport::gather(Chain& chain, int& error) {
    char* const plain = library_->plain();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < chain.segments() && bytes < kPlainRecordBytes; ++i) {
        const Segment& segment = chain.at(i);
        const std::size_t part = std::min(segment.size, kPlainRecordBytes - bytes);
        if (!segment.is_file()) {
            std::memcpy(plain + bytes, segment.data, part);
            bytes += part;
            continue;
        }
        const ssize_t got = files().read(segment, plain + bytes, part);
        if (got > 0) bytes += static_cast<std::size_t>(got);
        if (got == static_cast<ssize_t>(part)) continue;
        // What was read goes out; the next record meets the obstacle again.
        error = got < 0 ? errno : 0;
        break;
    }
    return bytes;
}

// One record of the chain's front. `bytes`: how much of the chain it holds. Nothing is consumed.
TlsTransport::Record TlsTransport::encrypt(Chain& chain, std::size_t& bytes, const char*& problem) {
    const char* from = chain.front().data;
    bytes = std::min(chain.front().size, kPlainRecordBytes);
    // A head and a small body, or a range of a file, are gathered to one full record: each costs as much as
    // the copy of some kilobytes.
    if (chain.front().is_file() || (bytes < kPlainRecordBytes && chain.segments() > 1)) {
        int error = 0;
        from = library_->plain();
        bytes = gather(chain, error);
        if (bytes == 0 && error == EAGAIN) {
            if (files().fetch(chain.front())) return Record::NeedsDisk;
            bytes = gather(chain, error);
        }
        if (bytes == 0) {
            problem =
                error == 0 ? "while sending a file that became shorter" : "while reading a file to send";
            return Record::Failed;
        }
    }
    std::size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_, from, bytes, &written) != 1) {
        const char* reason = ERR_reason_error_string(ERR_peek_error());
        problem = reason != nullptr ? reason : "while encrypting";
        return Record::Failed;
    }
    bytes = written;
    return Record::Made;
}

Io TlsTransport::write(Chain& chain) {
    if (state_ != State::Open) return fail(Code::Closed, "on a TLS connection that is over");
    owner_waits_ = false;
    if (blocked_ && !flush()) return fail(Code::Closed, "while sending", system_);
    std::size_t encrypted = std::exchange(held_, 0);  // of the chain's front
    std::size_t total = 0;
    bool pause = is_fetching();
    while (!blocked_ && !pause && encrypted < chain.bytes()) {
        chain.consume(encrypted);
        const char* problem = "";
        const Record record = encrypt(chain, encrypted, problem);
        if (record == Record::Failed) {
            flush();
            return fail(Code::Internal, problem);
        }
        if (record == Record::NeedsDisk) encrypted = 0;
        total += encrypted;
        pause = record == Record::NeedsDisk || total >= kTurnBytes;
        if (library_->sending().room() < kMaxRecordBytes && !flush()) {
            return fail(Code::Closed, "while sending", system_);
        }
    }
    if (!blocked_ && !flush()) return fail(Code::Closed, "while sending", system_);
    if (!blocked_) {
        chain.consume(encrypted);
        if (chain.empty()) return {Io::Kind::Done, total, {}};
        if (!is_fetching()) want_write_again();
    } else {
        // The chain is empty only when the kernel has everything: its last byte stays until then.
        if (encrypted > 0 && encrypted == chain.bytes()) {
            chain.consume(encrypted - 1);
            held_ = 1;
        } else {
            chain.consume(encrypted);
        }
        want_write();
    }
    owner_waits_ = true;
    return {Io::Kind::Blocked, total, {}};
}

void TlsTransport::shutdown_write() {
    if (state_ == State::Open && !half_closed_) {
        ERR_clear_error();
        SSL_shutdown(ssl_);
    }
    half_closed_ = true;
    if (!is_open()) return;
    if (flush() && blocked_) {
        want_write();
        return;
    }
    ::shutdown(fd(), SHUT_WR);
}

// ---- events

void TlsTransport::on_readable() {
    socket_more_ = true;
    if (state_ == State::Open) {
        Transport::on_readable();
    } else if (state_ == State::Handshake) {
        shake_hands();
    } else if (state_ == State::Refusing) {
        drain_refused();
    }
}

void TlsTransport::on_writable() {
    if (!flush() && state_ == State::Handshake) return fail_handshake(fail(Code::Closed, "", system_).error);
    if (blocked_) return want_write();
    if (half_closed_) ::shutdown(fd(), SHUT_WR);
    if (state_ == State::Handshake) return shake_hands();
    // It may have asked without a write, too: to flush at the end of the turn, or to hear that the other side
    // is gone.
    if (std::exchange(owner_waits_, false) || state_ == State::Open) Transport::on_writable();
}

// ---- handshake

void TlsTransport::shake_hands() {
    ERR_clear_error();
    fills_ = 0;
    const int verdict = SSL_do_handshake(ssl_);
    if (verdict == 1) return finish_handshake();
    const int kind = SSL_get_error(ssl_, verdict);
    if (plain_http_) return answer_plain_http();
    if (kind != SSL_ERROR_WANT_READ) {
        const Error error = handshake_error(kind);
        flush();  // the alert
        return fail_handshake(error);
    }
    if (!flush()) return fail_handshake(fail(Code::Closed, "during the TLS handshake", system_).error);
    update_more();
    want_read();
    if (blocked_) want_write();
}

void TlsTransport::finish_handshake() {
    if (TlsContext::ends_after_handshake(ssl_)) return end_after_handshake();
    state_ = State::Open;
    // The session ticket shares a packet with the first response when the request is here already.
    TlsLibrary::Sending& sending = library_->sending();
    if (has_received() && sending.size > 0 && !unsent_) {
        keep_unsent({}, {sending.bytes, std::exchange(sending.size, 0)});
    } else if (!flush()) {
        return fail_handshake(fail(Code::Closed, "during the TLS handshake", system_).error);
    }
    update_more();
    const auto self = std::make_unique<TlsTransport*>(this);  // not on the stack: g++ would warn of dangling
    guard_ = self.get();
    if (events_ != nullptr) events_->on_handshake(nullptr);
    if (*self == nullptr) return;
    guard_ = nullptr;
    if (!is_open()) return;
    if (unsent_ && !blocked_) flush();
    if (blocked_) want_write();
}

// The owner hears of a handshake, and reads the end.
void TlsTransport::end_after_handshake() {
    state_ = State::Over;
    SSL_shutdown(ssl_);
    flush();
    close_and_drain();
    set_more(true);
    if (events_ != nullptr) events_->on_handshake(nullptr);
}

// So that what was sent arrives: closing with unread bytes would send a reset that overtakes it.
void TlsTransport::close_and_drain() {
    if (!is_open() || broken_) return;
    ::shutdown(fd(), SHUT_WR);
    char scrap[4096];
    while (::recv(fd(), scrap, sizeof scrap, MSG_DONTWAIT) > 0 && ++fills_ < 16) {
    }
}

Error TlsTransport::handshake_error(int verdict) {
    state_ = State::Failed;
    Error error{Code::Tls, peer_, Retry::No, system_, "during the TLS handshake"};
    const unsigned long code = ERR_peek_error();
    const char* reason = ERR_reason_error_string(code);
    if (broken_ || ended_) {
        error.code = Code::Closed;
        error.context = any_received_ ? "during the TLS handshake" : "before the TLS handshake";
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        error.context = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
    } else if (verdict == SSL_ERROR_SSL && reason != nullptr) {
        error.context = reason;
    }
    log::debug("TLS handshake failed: {}", error.context);
    return error;
}

void TlsTransport::fail_handshake(const Error& error) {
    state_ = State::Failed;
    set_more(false);
    close_and_drain();  // the alert
    const Error copy = error;
    if (events_ != nullptr) events_->on_handshake(&copy);
}

// Somebody forgot the s of https.
void TlsTransport::answer_plain_http() {
    state_ = State::Refusing;
    TlsLibrary::Sending& sending = library_->sending();
    sending.size = kPlainHttpAnswer.copy(sending.bytes, sizeof sending.bytes);
    flush();
    if (!broken_) ::shutdown(fd(), SHUT_WR);
    TlsLibrary::Received& received = library_->received();
    if (received.owner == this) received.owner = nullptr;
    drain_refused();
}

// Reads on until the client has read the answer and closes, or the owner's deadline ends it.
void TlsTransport::drain_refused() {
    const Error error{Code::Tls, peer_, Retry::No, 0, "plain HTTP on a port that speaks TLS"};
    char scrap[4096];
    bool more = true;
    while (more && !broken_ && refused_bytes_ < kMaxRefusedBytes) {
        const ssize_t got = receive(scrap, sizeof scrap, more);
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) return fail_handshake(error);
        refused_bytes_ += static_cast<std::uint32_t>(got);
    }
    if (broken_ || refused_bytes_ >= kMaxRefusedBytes) return fail_handshake(error);
    set_more(false);
    want_read();
}

// ---- facts

const TlsInfo* TlsTransport::tls() const {
    if (facts_) return &facts_->info;
    facts_ = std::make_unique<Facts>();
    TlsInfo& info = facts_->info;
    info.version = SSL_get_version(ssl_);
    info.cipher = SSL_get_cipher_name(ssl_);
    info.resumed = SSL_session_reused(ssl_) == 1;
    if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
        facts_->server_name = lower_case(name);
        if (facts_->server_name.ends_with('.')) facts_->server_name.pop_back();
        info.server_name = facts_->server_name;
    }
    const unsigned char* alpn = nullptr;
    unsigned alpn_size = 0;
    SSL_get0_alpn_selected(ssl_, &alpn, &alpn_size);
    info.alpn = {reinterpret_cast<const char*>(alpn), alpn_size};
    const X509* certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate != nullptr) {
        const BioHandle text(BIO_new(BIO_s_mem()));
        X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
        char* data = nullptr;
        const long size = BIO_get_mem_data(text.get(), &data);
        facts_->client_subject.assign(data, static_cast<std::size_t>(size));
        info.client_subject = facts_->client_subject;
        info.client_verified = SSL_get_verify_result(ssl_) == X509_V_OK;
    }
    return &facts_->info;
}

}  // namespace gantry::net
