#include "core/server/bound_listener.hpp"

#include "core/server/generation.hpp"
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
            return "[" + address.host + "]:" + std::to_string(address.port);
        case conf::Address::Family::Ipv4:
            break;
    }
    return address.host + ":" + std::to_string(address.port);
}

BoundListener::BoundListener(std::string name, std::vector<WorkerContext*> workers) : name_(std::move(name)) {
    group_.name = name_;
    for (WorkerContext* worker : workers) {
        auto member = std::make_unique<Member>();
        member->owner = this;
        member->worker = worker;
        member->settings.worker = &worker->net();
        member->settings.exchanges = worker;
        member->settings.listener = this;
        member->settings.open = &group_.open;
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

void BoundListener::configure(const conf::Listener& settings, bool server_header) {
    for (const auto& member : members_) {
        member->worker->net().post([this, to = &member->settings, settings, server_header] {
            apply(*to, settings, server_header);
            to->draining = false;
            group_.max_connections.store(settings.max_connections, std::memory_order_relaxed);
        });
    }
}

void BoundListener::drain() {
    for (const auto& member : members_) {
        member->worker->net().post([to = &member->settings] { to->draining = true; });
    }
}

void BoundListener::Member::on_accept(UniqueFd fd, const net::PeerAddress& client) {
    net::TransportPtr transport = net::make_plain_transport(std::move(fd));
    if (transport == nullptr) {
        worker->net().connections.fetch_sub(1, std::memory_order_relaxed);
        owner->group_.open.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    http::H1Connection::serve(std::move(transport), settings, client);
}

}  // namespace gantry::server
