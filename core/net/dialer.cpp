#include "core/net/dialer.hpp"

#include <cerrno>
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

void Dialer::start(Worker& worker, const Endpoint& endpoint, Millis timeout) {
    worker_ = &worker;
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
    if (error == 0) return succeed();
    transport_->set_events(this);
    transport_->want_write();
    worker.wheel().set(*this, worker.now() + timeout);
}

void Dialer::cancel() {
    if (transport_ == nullptr) return;
    worker_->wheel().clear(*this);
    transport_.reset();
}

void Dialer::on_writable() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(transport_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    if (error != 0) return fail_with(Code::Connect, error);
    succeed();
}

void Dialer::on_deadline() {
    fail_with(Code::UpstreamTimeout, ETIMEDOUT);
}

void Dialer::succeed() {
    worker_->wheel().clear(*this);
    transport_->set_events(nullptr);
    events_.on_connected(std::move(transport_));
}

void Dialer::fail_with(Code code, int system) {
    cancel();
    events_.on_connect_failed(
        Error{code, Side::Upstream, Retry::Yes, system, "while connecting to the peer"});
}

}  // namespace gantry::net
