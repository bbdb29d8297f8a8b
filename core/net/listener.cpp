#include "core/net/listener.hpp"

#include "core/base/log.hpp"
#include "core/net/worker.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace gantry::net {
namespace {

constexpr int kAcceptsPerTurn = 16;
constexpr Millis kPause = 200;

bool is_out_of_resources(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// All of these are inherited by accepted sockets on Linux: no setsockopt per connection.
void set_inherited_options(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_INQ, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

// A socket file that a process left behind when it died. Connecting tells it from one in use; it is refused
// by files that are no sockets as well, and those are somebody's.
bool is_stale_socket(const sockaddr_storage& address, socklen_t size) {
    struct stat status{};
    const char* path = reinterpret_cast<const sockaddr_un&>(address).sun_path;
    if (::lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return false;
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
           errno == ECONNREFUSED;
}

}  // namespace

Listener::Listener(UniqueFd fd, Worker& worker, ListenerGroup& group)
    : SocketOp(std::move(fd)), worker_(worker), group_(group) {}

void Listener::start() {
    want_read();
}

void Listener::stop() {
    worker_.wheel().clear(*this);
    close();
}

void Listener::on_readable() {
    set_more(false);
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        if (group_.open.load(std::memory_order_relaxed) >=
            group_.max_connections.load(std::memory_order_relaxed))
            return pause("max_connections reached", 0);
        if (!accept_one()) return;
    }
    // Others first: the rest of the queue is taken in the next turn, as no new edge may come for it.
    set_more(true);
    want_read();
}

bool Listener::accept_one() {
    sockaddr_storage address;
    socklen_t size = sizeof address;
    const int client =
        ::accept4(fd(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
        hand_over(UniqueFd(client), PeerAddress::from(address));
        return is_open();
    }
    if (is_out_of_resources(errno)) {
        pause("no connection accepted", errno);
        return false;
    }
    // Anything else than "none left" belongs to one connection that died in the queue (accept(2)): take the
    // next.
    if (errno != EAGAIN) return true;
    want_read();
    return false;
}

// The kernel spreads connections by hash, which leaves some workers with twice the mean. A worker that is far
// above the mean passes the new one to the least loaded.
void Listener::hand_over(UniqueFd client, const PeerAddress& address) {
    group_.open.fetch_add(1, std::memory_order_relaxed);
    const ListenerGroup::Member* target = &group_.members[worker_.index()];
    if (group_.members.size() > 1) {
        std::uint32_t total = 0;
        const ListenerGroup::Member* least = target;
        for (const ListenerGroup::Member& member : group_.members) {
            const std::uint32_t count = member.worker->connections.load(std::memory_order_relaxed);
            total += count;
            if (count < least->worker->connections.load(std::memory_order_relaxed)) least = &member;
        }
        const std::size_t mean = total / group_.members.size();
        if (worker_.connections.load(std::memory_order_relaxed) > mean + mean / 4 + 4) target = least;
    }
    target->worker->connections.fetch_add(1, std::memory_order_relaxed);
    if (target->worker == &worker_) return target->acceptor->on_accept(std::move(client), address);
    target->worker->post([acceptor = target->acceptor, fd = client.release(), address] {
        acceptor->on_accept(UniqueFd(fd), address);
    });
}

void Listener::pause(const char* why, int error) {
    group_.refused.fetch_add(1, std::memory_order_relaxed);
    if (worker_.now() - last_complaint_ >= 60'000) {
        last_complaint_ = worker_.now();
        log::warn("{}{}{} listener={} open={} while accepting; clients wait in the queue of the kernel", why,
                  error != 0 ? ": " : "", error != 0 ? std::strerror(error) : "", group_.name,
                  group_.open.load(std::memory_order_relaxed));
    }
    set_more(true);
    worker_.wheel().set(*this, worker_.now() + kPause);
}

void Listener::on_deadline() {
    want_read();
}

Result<UniqueFd> open_listening_socket(const conf::Address& address, int backlog, bool share_port,
                                       std::uint32_t unix_mode) {
    const bool is_unix = address.family == conf::Address::Family::Unix;
    sockaddr_storage to;
    socklen_t size = 0;
    if (!make_sockaddr(address.host, address.port, is_unix, to, size)) {
        return fail(Code::Internal, Side::Us, "while reading the address", EINVAL);
    }
    UniqueFd fd(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail(Code::Internal, Side::Us, "while opening the socket", errno);
    if (is_unix) {
        if (is_stale_socket(to, size)) ::unlink(reinterpret_cast<sockaddr_un&>(to).sun_path);
    } else {
        set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
        if (share_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
        // "[::]:80" and "0.0.0.0:80" are two addresses, whatever the machine's default says.
        if (to.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set_inherited_options(fd.get());
    }
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&to), size) != 0) {
        return fail(Code::Internal, Side::Us, "while binding", errno);
    }
    if (is_unix) ::chmod(reinterpret_cast<sockaddr_un&>(to).sun_path, unix_mode);
    if (::listen(fd.get(), backlog) != 0) return fail(Code::Internal, Side::Us, "while listening", errno);
    return fd;
}

void adopt_listening_socket(int fd, int backlog) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    set_inherited_options(fd);  // a unix socket has none of them
    ::listen(fd, backlog);
}

}  // namespace gantry::net
