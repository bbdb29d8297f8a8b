#include "core/server/bound_listener.hpp"

#include "core/base/log.hpp"
#include "core/net/tls_transport.hpp"
#include "core/server/generation.hpp"
#include "core/server/traffic.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>

namespace gantry::server {
namespace {

http::H1Settings& apply(http::H1Settings& to, const conf::Listener& from, bool server_header) {
    to.limits = {from.max_head, from.max_request_line, from.max_fields};
    to.max_requests = from.max_requests;
    to.head_timeout = from.head_timeout.count();
    to.idle_timeout = from.idle_timeout.count();
    to.body_timeout = from.body_timeout.count();
    to.send_timeout = from.send_timeout.count();
    to.body_min_rate = from.body_min_rate;
    if (from.tls) to.handshake_timeout = from.tls->handshake_timeout.count();
    to.server_header = server_header;
    return to;
}

}  // namespace

std::string address_key(const conf::Address& address) {
    switch (address.family) {
        case conf::Address::Family::Unix:
            return "unix:" + address.host;
        case conf::Address::Family::Ipv6:
            return "[" + address.host + "]:" + std::to_string(address.port) + address.tag;
        case conf::Address::Family::Ipv4:
            break;
    }
    return address.host + ":" + std::to_string(address.port) + address.tag;
}

BoundListener::BoundListener(std::string name, const std::vector<WorkerContext*>& workers)
    : name_(std::move(name)), counted_(metrics::Registry::process().series(listener_metrics(), {name_})) {
    group_.name = name_;
    for (WorkerContext* worker : workers) {
        auto member = std::make_unique<Member>();
        member->owner = this;
        member->worker = worker;
        member->settings.worker = &worker->net();
        member->settings.exchanges = worker;
        member->settings.listener = this;
        member->settings.open = &group_.open;
        member->settings.handshakes =
            http::HandshakeCells(worker->cells().at(counted() + TrafficCells::kHandshakes));
        group_.members.push_back({&worker->net(), member.get()});
        members_.push_back(std::move(member));
    }
}

BoundListener::~BoundListener() = default;

int BoundListener::index_in(const Generation& generation) const {
    return generation.listener_index(name_);
}

void BoundListener::add_sockets(const conf::Address& address, std::vector<UniqueFd> sockets) {
    const std::string key = address_key(address);
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = *members_[i];
        member.worker->net().post([this, &member, key, fd = sockets[i].release()] {
            member.sockets.emplace_back(key, new net::Listener(UniqueFd(fd), member.worker->net(), group_));
            member.sockets.back().second->start();
        });
    }
}

void BoundListener::remove_sockets(const conf::Address& address) {
    for (const auto& member : members_) {
        member->worker->net().post([&sockets = member->sockets, key = address_key(address)] {
            std::erase_if(sockets, [&](const auto& entry) { return entry.first == key; });
        });
    }
}

void BoundListener::configure(const conf::Listener& settings, bool server_header,
                              const std::shared_ptr<const TlsHosts>& hosts,
                              const std::shared_ptr<net::TicketKeys>& ticket_keys) {
    for (const auto& member : members_) {
        member->worker->net().post([this, to = member.get(), settings, server_header, hosts, ticket_keys] {
            apply(to->settings, settings, server_header);
            to->settings.draining = false;
            to->configure_tls(settings, hosts, ticket_keys);
            group_.max_connections.store(settings.max_connections, std::memory_order_relaxed);
        });
    }
}

// A new context with every generation: that is when files which it reads (of client certificates) may have
// changed.
void BoundListener::Member::configure_tls(const conf::Listener& listener,
                                          std::shared_ptr<const TlsHosts> hosts,
                                          std::shared_ptr<net::TicketKeys> ticket_keys) {
    const int index = hosts->generation().listener_index(listener.name);
    auto before = selector.use(std::move(hosts), static_cast<std::size_t>(index));
    if (before) worker->blocking().submit([before = std::move(before)]() mutable { before.reset(); });
    tls = {};
    refuses = false;
    if (!listener.tls) return;
    std::string problem;
    tls = net::TlsContext::make(*listener.tls, listener.protocols, listener.name, std::move(ticket_keys),
                                problem);
    refuses = !tls;
    if (tls) tls->set_selector(&selector);
    if (tls && selector.has_hooks()) tls->set_watcher(selector);
    if (!tls) log::error("listener {} refuses connections: {}", listener.name, problem);
}

void BoundListener::drain() {
    for (const auto& member : members_) {
        member->worker->net().post([to = &member->settings] { to->draining = true; });
    }
}

void BoundListener::Member::on_accept(UniqueFd fd, const net::PeerAddress& client) {
    worker->cells().add(owner->counted() + TrafficCells::kAccepted, 1);
    Newcomer newcomer;
    newcomer.listener = owner;
    newcomer.client = client;
    const Generation& generation = *worker->current().generation;
    if (const int index = owner->index_in(generation); index >= 0) {
        const auto& filters = generation.conn_filters(static_cast<std::size_t>(index));
        if (!filters.empty())
            return filter_connection(std::move(fd), std::move(newcomer), filters, *worker, *this);
    }
    on_through(std::move(fd), std::move(newcomer));
}

void BoundListener::Member::on_refused() {
    worker->net().connections.fetch_sub(1, std::memory_order_relaxed);
    owner->group_.open.fetch_sub(1, std::memory_order_relaxed);
}

void BoundListener::Member::on_through(UniqueFd fd, Newcomer newcomer) {
    net::TransportPtr transport;
    if (tls) {
        const bool is_told = newcomer.notes != nullptr && newcomer.notes->local;
        const net::TlsEnds ends{newcomer.client, is_told ? &*newcomer.notes->local : nullptr};
        transport = net::make_tls_server_transport(std::move(fd), *tls, &ends);
    } else if (!refuses) {
        transport = net::make_plain_transport(std::move(fd));
    }
    if (transport == nullptr) return on_refused();
    http::H1Connection::serve(std::move(transport), settings, newcomer.client, std::move(newcomer.notes));
}

}  // namespace gantry::server
