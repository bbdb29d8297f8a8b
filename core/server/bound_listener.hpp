// A listener with its sockets open: what outlives generations, so that a reload leaves connections and the
// kernel's queues alone.
#pragma once

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"
#include "core/http/h1_connection.hpp"
#include "core/net/listener.hpp"
#include "core/net/tls_context.hpp"
#include "core/server/conn_filter.hpp"
#include "core/server/tls_hosts.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gantry::server {

class Generation;
class WorkerContext;

// Made, started and stopped by the control thread; connections of it run on the workers. Lives until the
// process ends: connections may refer to it long after it was removed from the configuration.
class BoundListener {
public:
    BoundListener(std::string name, const std::vector<WorkerContext*>& workers);
    ~BoundListener();

    const std::string& name() const { return name_; }
    // Which listener of that generation this is; -1: none. [any]
    int index_in(const Generation& generation) const;

    // The sockets of one address: one per worker, or one for all (unix). [main]
    void add_sockets(const conf::Address& address, std::vector<UniqueFd> sockets);
    // Closes the sockets of an address that is no longer configured. [main]
    void remove_sockets(const conf::Address& address);
    // Limits and deadlines as in these settings, for requests from now on. [main]
    // With TLS: handshakes choose among `hosts` from now on, and tickets are sealed by `ticket_keys`.
    void configure(const conf::Listener& settings, bool server_header,
                   const std::shared_ptr<const TlsHosts>& hosts,
                   const std::shared_ptr<net::TicketKeys>& ticket_keys);
    // Ends keep-alive: connections close after the response they are at. [main]
    void drain();

    std::uint64_t open_connections() const { return group_.open.load(std::memory_order_relaxed); }
    // What is counted of it: TrafficCells. [any]
    std::uint32_t counted() const { return counted_.cell(); }
    std::uint64_t refused() const { return group_.refused.load(std::memory_order_relaxed); }

private:
    // A worker's side. Touched on that worker only, once it runs.
    struct Member final : net::Acceptor, NewcomerTaker {
        void on_accept(UniqueFd fd, const net::PeerAddress& client) override;
        void on_through(UniqueFd fd, Newcomer newcomer) override;
        void on_refused() override;
        void configure_tls(const conf::Listener& settings, std::shared_ptr<const TlsHosts> hosts,
                           std::shared_ptr<net::TicketKeys> ticket_keys);
        BoundListener* owner = nullptr;
        WorkerContext* worker = nullptr;
        http::H1Settings settings;
        std::vector<std::pair<std::string, net::ListenerPtr>> sockets;  // by address_key
        TlsSelector selector;
        Ref<net::TlsContext> tls;  // null: plain
        bool refuses = false;      // meant to be TLS, but there is no context: never plain instead
    };

    std::string name_;
    mutable std::atomic<int> last_index_{0};
    metrics::Series counted_;
    net::ListenerGroup group_;
    std::vector<std::unique_ptr<Member>> members_;
};

// "127.0.0.1:80", "[::1]:80", "unix:/path", "127.0.0.1:0web#0": what two configurations are compared by.
std::string address_key(const conf::Address& address);

}  // namespace gantry::server
