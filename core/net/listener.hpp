// Accepting connections: one socket per worker and address, options set once on the listening socket and
// inherited.
#pragma once

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"
#include "core/net/address.hpp"
#include "core/net/socket_op.hpp"
#include "core/net/wheel.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gantry::net {

class Worker;

// Takes a new connection, on the worker that is to serve it. Counted in Worker::connections already; the
// taker owes one decrement there and one in `open` when the connection ends.
class Acceptor {
public:
    virtual void on_accept(UniqueFd fd, const PeerAddress& client) = 0;

protected:
    ~Acceptor() = default;
};

// What the listening sockets of one listener share over all workers.
struct ListenerGroup {
    struct Member {
        Worker* worker = nullptr;
        Acceptor* acceptor = nullptr;
    };
    std::string name;
    std::atomic<std::uint64_t> max_connections{0};
    std::vector<Member> members;  // by worker index; complete before the first accept, unchanged afterwards
    std::atomic<std::uint64_t> open{0};     // connections of this listener
    std::atomic<std::uint64_t> refused{0};  // times that accepting was paused (limit, EMFILE)
};

// One listening socket on one worker. Created, stopped and released on that worker.
class Listener final : public SocketOp, private Deadline {
public:
    // `fd`: bound and listening, see open_listening_socket(). `group` outlives the listener.
    Listener(UniqueFd fd, Worker& worker, ListenerGroup& group);

    void start();
    // Accepts no more. Waiting connections stay with the kernel, and so with other holders of the socket.
    void stop();

private:
    ~Listener() override = default;
    void on_readable() override;
    void on_writable() override {}
    void on_deadline() override;
    bool accept_one();
    void hand_over(UniqueFd client, const PeerAddress& address);
    void pause(const char* why, int error);

    Worker& worker_;
    ListenerGroup& group_;
    Millis last_complaint_ = -60'000;
};

struct ReleaseSocket {
    void operator()(SocketOp* socket) const { socket->release(); }
};
using ListenerPtr = std::unique_ptr<Listener, ReleaseSocket>;

// Opens, binds and listens. With `share_port` several sockets may be bound to the same address
// (SO_REUSEPORT). A unix socket's file is replaced when nobody listens on it any more. [any] The error's
// `context` is a literal: which step failed.
Result<UniqueFd> open_listening_socket(const conf::Address& address, int backlog, bool share_port,
                                       std::uint32_t unix_mode);

// A socket that listens already, opened by somebody else: made as open_listening_socket() makes them. [any]
void adopt_listening_socket(int fd, int backlog);

}  // namespace gantry::net
