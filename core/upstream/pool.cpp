#include "core/upstream/pool.hpp"

#include "core/base/log.hpp"

#include <algorithm>
#include <utility>

namespace gantry::upstream {

namespace {

constexpr Millis kSweep = 60'000;

// FNV-1a: only tells the few addresses of one peer apart.
std::uint64_t hash_of(const net::Endpoint& endpoint) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&endpoint.address);
    std::uint64_t hash = 0xcbf29ce484222325;
    for (socklen_t i = 0; i < endpoint.size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

}  // namespace

// ---- PeerPool

PeerPool::PeerPool(net::Worker& worker, std::shared_ptr<const Peer> peer, Ref<net::TlsClientContext> tls)
    : worker_(worker), peer_(std::move(peer)), tls_(std::move(tls)) {}

PeerPool::~PeerPool() {
    close_idle();
}

void PeerPool::close_idle() {
    while (http::H1Client* client = newest_) {
        unlink(*client);
        client->destroy();
    }
}

void PeerPool::unlink(http::H1Client& client) {
    (client.newer != nullptr ? client.newer->older : newest_) = client.older;
    (client.older != nullptr ? client.older->newer : oldest_) = client.newer;
    client.newer = client.older = nullptr;
    --idle_;
}

http::H1Client* PeerPool::take(std::string_view preface) {
    last_used_ = worker_.now();
    if (peer_->endpoints->version() != version_) update();
    http::H1Client* client = newest_;
    while (client != nullptr && client->preface != preface) client = client->older;
    if (client != nullptr) unlink(*client);
    return client;
}

void PeerPool::put(http::H1Client& client, std::uint32_t keep, Millis timeout) {
    if (client.peer_idle_limit() > 0) timeout = std::min(timeout, client.peer_idle_limit());
    if (keep == 0 || timeout <= 0) return client.destroy();
    client.older = newest_;
    client.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &client;
    newest_ = &client;
    ++idle_;
    client.keep_idle(*this, timeout);
    while (idle_ > keep) {
        http::H1Client& longest = *oldest_;
        unlink(longest);
        longest.destroy();
    }
}

void PeerPool::on_client_failed(http::H1Client& client, const Error&) {
    unlink(client);
    client.destroy();
}

// The name has other addresses than before: connections to those that are gone are not used again.
void PeerPool::update() {
    version_ = peer_->endpoints->version();
    std::vector<Target> endpoints;
    for (const net::Endpoint& endpoint : peer_->endpoints->endpoints()) {
        endpoints.push_back({endpoint, hash_of(endpoint), 0});
    }
    endpoints_ = std::move(endpoints);
    resting_until_ = 0;
    for (http::H1Client* client = newest_; client != nullptr;) {
        http::H1Client& each = *std::exchange(client, client->older);
        if (std::any_of(endpoints_.begin(), endpoints_.end(),
                        [&](const Target& target) { return target.hash == each.endpoint; })) {
            continue;
        }
        unlink(each);
        each.destroy();
    }
}

const net::Endpoint* PeerPool::next_endpoint() {
    peer_->endpoints->use(worker_.now());
    if (peer_->endpoints->version() != version_) update();
    if (endpoints_.empty()) return nullptr;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        turn_ = (turn_ + 1) % endpoints_.size();
        if (endpoints_[turn_].resting_until <= worker_.now()) break;
    }
    return &endpoints_[turn_].endpoint;
}

void PeerPool::on_connect_failed() {
    if (turn_ >= endpoints_.size()) return;  // the addresses changed meanwhile
    endpoints_[turn_].resting_until = worker_.now() + kFailurePause;
    for (const Target& target : endpoints_) {
        if (target.resting_until <= worker_.now()) return;
    }
    resting_until_ = worker_.now() + kFailurePause;
}

void PeerPool::on_connected(http::H1Client& client) {
    if (turn_ >= endpoints_.size()) return;
    client.endpoint = endpoints_[turn_].hash;
    endpoints_[turn_].resting_until = 0;
    resting_until_ = 0;
}

// ---- Group

Group::Group(std::shared_ptr<const Upstream> upstream, Pools& pools)
    : upstream_(std::move(upstream)), all_(pools), turns_({}) {
    upstream_->live ? update() : take(upstream_->members);
}

void Group::take(const std::vector<Upstream::Member>& members) {
    std::vector<Ref<PeerPool>> pools;
    std::vector<std::uint32_t> weights;
    for (const Upstream::Member& member : members) {
        pools.push_back(all_.pool(member.peer));
        weights.push_back(member.weight);
    }
    for (const Ref<PeerPool>& old : pools_) {
        const bool stays = std::any_of(pools.begin(), pools.end(),
                                       [&](const Ref<PeerPool>& one) { return one.get() == old.get(); });
        if (!stays) old->close_idle();
    }
    pools_ = std::move(pools);
    turns_ = RoundRobin(std::move(weights));
    members_ = &members;
}

void Group::update() {
    version_ = upstream_->live->version();
    const auto found = upstream_->live->members();
    take(*found);
    found_ = found;
}

PeerPool* Group::pick(const PeerPool* const* tried, std::size_t count, Picker* picker) {
    if (upstream_->live && upstream_->live->version() != version_) update();
    const auto is_new = [&](std::size_t index) {
        return std::find(tried, tried + count, pools_[index].get()) == tried + count;
    };
    std::size_t index = RoundRobin::kNone;
    if (picker != nullptr) {
        std::vector<Candidate> candidates;
        candidates.reserve(pools_.size());
        for (std::size_t i = 0; i < pools_.size(); ++i)
            candidates.push_back(
                {pools_[i]->peer().text, (*members_)[i].weight, pools_[i]->is_resting(), !is_new(i)});
        index = picker->pick(candidates);
        if (index < pools_.size() && is_new(index)) return pools_[index].get();
    }
    index = turns_.pick([&](std::size_t i) { return is_new(i) && !pools_[i]->is_resting(); });
    if (index == RoundRobin::kNone) index = turns_.pick(is_new);
    return index == RoundRobin::kNone ? nullptr : pools_[index].get();
}

std::uint32_t Group::counted(const PeerPool& pool) const {
    for (std::size_t i = 0; i < pools_.size(); ++i) {
        if (pools_[i].get() == &pool) return (*members_)[i].counted.cell();
    }
    return 0;
}

// ---- Pools

Pools::~Pools() {
    close_idle();
}

void Pools::close_idle() {
    for (const Ref<PeerPool>& pool : pools_) {
        if (pool) pool->close_idle();
    }
}

Ref<net::TlsClientContext> Pools::tls_of(const Peer& peer) {
    if (!peer.tls) return {};
    std::string problem;
    auto context = net::TlsClientContext::make(*peer.tls, problem);
    if (!context) log::error("peer not used: {} peer={} while preparing TLS", problem, peer.text);
    return context;
}

Ref<PeerPool> Pools::pool(const std::shared_ptr<const Peer>& peer) {
    const std::size_t index = peer->slot.index();
    if (index >= pools_.size()) pools_.resize(index + 1);
    Ref<PeerPool>& pool = pools_[index];
    // The pool keeps its peer, and so its slot: what lies here is of this peer.
    if (!pool) pool = make_ref<PeerPool>(worker_, peer, tls_of(*peer));
    pool->last_used_ = worker_.now();
    return pool;
}

Ref<Group> Pools::group(const std::shared_ptr<const Upstream>& upstream) {
    const std::size_t index = upstream->slot.index();
    if (index >= groups_.size()) groups_.resize(index + 1);
    Ref<Group>& group = groups_[index];
    if (!group) {
        group = make_ref<Group>(upstream, *this);
        if (!is_set()) worker_.wheel().set(*this, worker_.now() + kSweep);
    }
    group->last_used_ = worker_.now();
    return group;
}

void Pools::on_deadline() {
    const Millis limit = worker_.now() - kForgetAfter;
    bool any = false;
    for (Ref<Group>& group : groups_) {
        if (group && !group->is_shared() && group->last_used_ < limit) group.reset();
        any = any || group;
    }
    for (Ref<PeerPool>& pool : pools_) {
        if (pool && !pool->is_shared() && pool->idle_ == 0 && pool->last_used_ < limit) pool.reset();
        any = any || pool;
    }
    if (any) worker_.wheel().set(*this, worker_.now() + kSweep);
}

}  // namespace gantry::upstream
