// The control socket: the control API over HTTP on a unix socket, on a thread of its own.
#pragma once

#include "core/base/task_queue.hpp"
#include "core/base/unique_fd.hpp"
#include "core/control/api.hpp"
#include "core/control/control_exchange.hpp"
#include "core/http/h1_connection.hpp"
#include "core/net/listener.hpp"
#include "core/net/worker.hpp"

#include <thread>

namespace gantry::control {

// [main], unless said otherwise. `api` and `main` outlive it.
class ControlServer final : private net::Acceptor, private http::ServerExchanges {
public:
    // Routes run on the thread that runs the tasks of `main`.
    ControlServer(const Api& api, TaskQueue& main);
    // Answers that were given are sent; what is not answered by now is cut.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Accepts on this socket, and no more on the one before. An empty one: on none.
    void listen(UniqueFd socket);

private:
    void on_accept(UniqueFd fd, const net::PeerAddress& client) override;
    http::ServerExchange& acquire(http::ServerStream& stream) override;
    void discard(http::ServerExchange& exchange) override;

    net::Worker worker_{0};
    ControlContext context_;
    net::ListenerGroup group_;
    http::H1Settings settings_;
    net::ListenerPtr listener_;  // touched on the control thread
    std::thread thread_;
};

}  // namespace gantry::control
