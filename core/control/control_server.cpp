#include "core/control/control_server.hpp"

#include "core/net/transport.hpp"

#include <pthread.h>

namespace gantry::control {
namespace {
constexpr std::uint64_t kMaxConnections = 64;
}

ControlServer::ControlServer(const Api& api, TaskQueue& main) : context_{api, main, worker_} {
    group_.name = "control";
    group_.max_connections.store(kMaxConnections, std::memory_order_relaxed);
    group_.members.push_back({&worker_, this});
    settings_.worker = &worker_;
    settings_.exchanges = this;
    settings_.open = &group_.open;
    thread_ = std::thread([this] { worker_.run(); });
    ::pthread_setname_np(thread_.native_handle(), "control");
}

ControlServer::~ControlServer() {
    listen(UniqueFd());
    worker_.post([this] {
        settings_.draining = true;
        worker_.wheel().drain();  // whoever is idle gets a moment,
        worker_.wheel().drain();  // and has had it
        // What the line before released completes behind it; the loop ends after that.
        worker_.post([this] { worker_.stop(); });
    });
    thread_.join();
}

void ControlServer::listen(UniqueFd socket) {
    worker_.post([this, fd = socket.release()] {
        listener_.reset(fd < 0 ? nullptr : new net::Listener(UniqueFd(fd), worker_, group_));
        if (listener_) listener_->start();
    });
}

void ControlServer::on_accept(UniqueFd fd, const net::PeerAddress& client) {
    net::TransportPtr transport = net::make_plain_transport(std::move(fd));
    if (transport == nullptr) {
        worker_.connections.fetch_sub(1, std::memory_order_relaxed);
        group_.open.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    http::H1Connection::serve(std::move(transport), settings_, client);
}

http::ServerExchange& ControlServer::acquire(http::ServerStream& stream) {
    return *new ControlExchange(context_, stream);
}

void ControlServer::discard(http::ServerExchange& exchange) {
    delete static_cast<ControlExchange*>(&exchange);
}

}  // namespace gantry::control
