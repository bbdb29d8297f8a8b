#include "core/net/dialer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <utility>

namespace gantry::net {

namespace {

void set_tcp_options(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Without it a FIN that arrives together with the answer stays unseen, and a dead socket goes into the
    // pool.
    ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on);
}

}  // namespace

void Dialer::start(Worker& worker, const Endpoint& endpoint, Millis timeout, DialTls tls,
                   std::string_view preface) {
    worker_ = &worker;
    preface_ = preface;
    tls_ = std::move(tls);
    UniqueFd fd(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail_with(Code::Connect, errno);
    if (endpoint.address.ss_family != AF_UNIX) set_tcp_options(fd.get());

    int outcome;
    do {
        outcome = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size);
    } while (outcome < 0 && errno == EINTR);
    const int error = outcome < 0 ? errno : 0;
    if (error != 0 && error != EINPROGRESS) return fail_with(Code::Connect, error);

    transport_ = make_plain_transport(std::move(fd));
    if (transport_ == nullptr) return fail_with(Code::Connect, ENOMEM);
    transport_->set_events(this);
    worker.wheel().set(*this, worker.now() + timeout);
    if (error == 0) return on_connected();
    transport_->want_write();
}

void Dialer::cancel() {
    if (transport_ == nullptr) return;
    worker_->wheel().clear(*this);
    transport_.reset();
    tls_.context.reset();
}

void Dialer::on_writable() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(transport_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    if (error != 0) return fail_with(Code::Connect, error);
    on_connected();
}

void Dialer::on_connected() {
    // A fresh connection takes as much at once.
    if (!preface_.empty() && ::send(transport_->fd(), preface_.data(), preface_.size(), MSG_NOSIGNAL) !=
                                 static_cast<ssize_t>(preface_.size()))
        return fail_with(Code::Connect, errno);
    if (!tls_.context) return succeed();
    // The waiting was done on a plain transport; the socket changes hands under another number.
    UniqueFd fd(::fcntl(transport_->fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd) return fail_with(Code::Connect, errno);
    transport_ = make_tls_client_transport(std::move(fd), *tls_.context, tls_.host, tls_.peer);
    if (transport_ == nullptr) return fail_with(Code::Tls, 0, "because no TLS connection could be made");
    transport_->set_events(this);
}

void Dialer::on_handshake(const Error* failure) {
    if (failure != nullptr) return fail_with(Code::Tls, failure->system, failure->context);
    succeed();
}

void Dialer::on_deadline() {
    fail_with(Code::UpstreamTimeout, ETIMEDOUT);
}

void Dialer::succeed() {
    worker_->wheel().clear(*this);
    transport_->set_events(nullptr);
    tls_.context.reset();
    events_.on_connected(std::move(transport_));
}

void Dialer::fail_with(Code code, int system, const char* context) {
    worker_->wheel().clear(*this);
    cancel();
    events_.on_connect_failed(Error{code, Side::Upstream, Retry::Yes, system, context});
}

}  // namespace gantry::net
