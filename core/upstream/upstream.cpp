#include "core/upstream/upstream.hpp"

#include "core/upstream/counts.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace gantry::upstream {

// The numbers that are in use; the smallest free one is given next, so that the workers' tables stay short.
class Slot::Source {
public:
    std::size_t take() {
        const std::lock_guard lock(mutex_);
        const auto free = std::find(used_.begin(), used_.end(), false);
        const auto index = static_cast<std::size_t>(free - used_.begin());
        if (free == used_.end()) used_.push_back(false);
        used_[index] = true;
        return index;
    }
    void give(std::size_t index) {
        const std::lock_guard lock(mutex_);
        used_[index] = false;
    }

private:
    std::mutex mutex_;
    std::vector<bool> used_;
};

Slot::Slot(std::shared_ptr<Source> source) : source_(std::move(source)), index_(source_->take()) {}

Slot::~Slot() {
    source_->give(index_);
}

struct Registry::Known {
    std::mutex mutex;
    std::shared_ptr<Slot::Source> peer_slots = std::make_shared<Slot::Source>();
    std::shared_ptr<Slot::Source> upstream_slots = std::make_shared<Slot::Source>();
    std::map<std::string, std::weak_ptr<const Peer>> peers;
    std::map<std::string, std::weak_ptr<const Upstream>> upstreams;
    struct Found {
        std::uint64_t serial = 0;
        std::vector<conf::Peer> peers;
    };
    std::map<std::string, std::map<std::string, Found>> found;  // by upstream and finder
};

namespace {

// Length first: no two lists of texts give the same key.
void add_to(std::string& key, std::string_view text) {
    key += std::to_string(text.size());
    key += ':';
    key += text;
}
void add_to(std::string& key, std::uint64_t number) {
    key += std::to_string(number);
    key += ',';
}

void add_to(std::string& key, const std::optional<conf::UpstreamTls>& tls) {
    add_to(key, tls.has_value());
    if (!tls) return;
    add_to(key, tls->verify);
    add_to(key, tls->ca_file);
    add_to(key, tls->server_name);
}

void add_to(std::string& key, const conf::Peer& peer) {
    add_to(key, peer.host);
    add_to(key, peer.port);
    add_to(key, peer.is_unix);
}

std::string key_of(const conf::Peer& peer, const std::optional<conf::UpstreamTls>& tls) {
    std::string key;
    add_to(key, peer);
    add_to(key, tls);
    return key;
}

std::string key_of(const conf::Upstream& settings) {
    std::string key;
    add_to(key, settings.name);
    add_to(key, settings.tls);
    for (const conf::Duration duration : {settings.keep_alive_timeout, settings.connect_timeout,
                                          settings.send_timeout, settings.response_timeout}) {
        add_to(key, static_cast<std::uint64_t>(duration.count()));
    }
    add_to(key, settings.keep_alive);
    add_to(key, settings.max_head);
    add_to(key, !settings.module_values->empty());
    for (const conf::Peer& peer : settings.peers) {
        add_to(key, peer);
        add_to(key, peer.weight);
    }
    return key;
}

metrics::Series series_of(const Upstream& upstream, const Peer& peer) {
    return metrics::Registry::process().series(peer_metrics(), {upstream.name, peer.text});
}

template <class T>
void forget_dead(std::map<std::string, std::weak_ptr<const T>>& known) {
    std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
}

}  // namespace

std::shared_ptr<const std::vector<Upstream::Member>> Upstream::Live::members() const {
    const std::lock_guard lock(mutex_);
    return members_;
}

void Upstream::Live::set(std::vector<Member> members) {
    auto made = std::make_shared<const std::vector<Member>>(std::move(members));
    const std::lock_guard lock(mutex_);
    members_ = std::move(made);
    version_.fetch_add(1, std::memory_order_release);
}

std::string text_of(const conf::Peer& peer) {
    if (peer.is_unix) return "unix:" + peer.host;
    const bool is_ipv6 = peer.host.find(':') != peer.host.npos;
    return (is_ipv6 ? '[' + peer.host + ']' : peer.host) + ':' + std::to_string(peer.port);
}

Registry::Registry(net::Resolver& resolver) : resolver_(resolver), known_(std::make_unique<Known>()) {}

Registry::~Registry() = default;

std::shared_ptr<const Peer> Registry::make_peer(const conf::Peer& settings,
                                                const std::optional<conf::UpstreamTls>& tls) {
    const std::string key = key_of(settings, tls);
    if (auto peer = known_->peers[key].lock()) return peer;
    auto peer = std::make_shared<Peer>(text_of(settings),
                                       resolver_.find(settings.host, settings.port, settings.is_unix),
                                       known_->peer_slots);
    peer->tls = tls;
    if (tls) peer->server_name = tls->server_name.empty() ? settings.host : tls->server_name;
    known_->peers[key] = peer;
    return peer;
}

std::shared_ptr<const Upstream> Registry::make(const conf::Upstream& settings) {
    const std::string key = key_of(settings);
    const std::lock_guard lock(known_->mutex);
    forget_dead(known_->upstreams);
    if (auto upstream = known_->upstreams[key].lock()) return upstream;
    auto upstream = std::make_shared<Upstream>(known_->upstream_slots, !settings.module_values->empty());
    upstream->name = settings.name;
    upstream->tls = settings.tls;
    upstream->keep_alive = settings.keep_alive;
    upstream->keep_alive_timeout = settings.keep_alive_timeout.count();
    upstream->connect_timeout = settings.connect_timeout.count();
    upstream->send_timeout = settings.send_timeout.count();
    upstream->response_timeout = settings.response_timeout.count();
    upstream->max_head = static_cast<std::size_t>(settings.max_head);
    for (const conf::Peer& peer : settings.peers) upstream->members.push_back(make_member(*upstream, peer));
    if (upstream->live) refresh(*upstream);
    forget_dead(known_->peers);
    known_->upstreams[key] = upstream;
    return upstream;
}

// ---- what is found while it serves; with known_->mutex held

Upstream::Member Registry::make_member(const Upstream& upstream, const conf::Peer& peer) {
    auto known = make_peer(peer, upstream.tls);
    auto counted = series_of(upstream, *known);
    return {std::move(known), peer.weight, std::move(counted)};
}

// One that several name is there once; what the files say of it holds, then what the first finder says.
void Registry::refresh(const Upstream& upstream) {
    std::vector<Upstream::Member> members;
    for (const Upstream::Member& member : upstream.members)
        members.push_back({member.peer, member.weight, series_of(upstream, *member.peer)});
    const auto all = known_->found.find(upstream.name);
    if (all != known_->found.end()) {
        for (const auto& [finder, found] : all->second) {
            for (const conf::Peer& peer : found.peers) {
                Upstream::Member member = make_member(upstream, peer);
                const bool is_known = std::any_of(members.begin(), members.end(),
                                                  [&](const auto& one) { return one.peer == member.peer; });
                if (!is_known) members.push_back(std::move(member));
            }
        }
    }
    upstream.live->set(std::move(members));
}

void Registry::refresh_all(const std::string& name) {
    for (const auto& [key, known] : known_->upstreams) {
        const auto upstream = known.lock();
        if (upstream && upstream->live && upstream->name == name) refresh(*upstream);
    }
    forget_dead(known_->peers);
}

bool Registry::set_found(const std::string& upstream, const std::string& finder, std::uint64_t serial,
                         std::vector<conf::Peer> peers) {
    const std::lock_guard lock(known_->mutex);
    const auto all = known_->found.find(upstream);
    if (all == known_->found.end() || !all->second.contains(finder)) return false;
    Known::Found& found = all->second[finder];
    if (serial < found.serial) return false;
    found.serial = serial;
    found.peers = std::move(peers);
    refresh_all(upstream);
    return true;
}

void Registry::keep_finders(const std::vector<std::pair<std::string, std::string>>& finders) {
    const std::lock_guard lock(known_->mutex);
    std::vector<std::string> changed;
    for (auto& [name, all] : known_->found) {
        const std::size_t gone = std::erase_if(all, [&](const auto& one) {
            return std::find(finders.begin(), finders.end(), std::pair(name, one.first)) == finders.end();
        });
        if (gone > 0) changed.push_back(name);
    }
    for (const auto& [upstream, finder] : finders) known_->found[upstream][finder];
    for (const std::string& name : changed) refresh_all(name);
    std::erase_if(known_->found, [](const auto& one) { return one.second.empty(); });
}

}  // namespace gantry::upstream
