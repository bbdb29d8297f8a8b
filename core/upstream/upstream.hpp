// Upstreams and their peers as generations hold them: immutable, shared by the workers, and the same objects
// again after a reload that did not change them.
#pragma once

#include "core/base/metrics.hpp"
#include "core/conf/settings.hpp"
#include "core/net/resolver.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::upstream {

// A small number for an object, so that workers find what they keep for it by index. Given back at the end.
class Slot {
public:
    class Source;
    explicit Slot(std::shared_ptr<Source> source);
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot();
    std::size_t index() const { return index_; }

private:
    std::shared_ptr<Source> source_;
    std::size_t index_;
};

// One server that requests go to: what its connections have in common. Two upstreams that name it in the same
// way (address and TLS) share it, and so its idle connections. [any]
struct Peer {
    Peer(std::string name, std::shared_ptr<net::ResolvedName> address, std::shared_ptr<Slot::Source> slots)
        : text(std::move(name)), endpoints(std::move(address)), slot(std::move(slots)) {}

    const std::string text;  // "127.0.0.1:3000", "app.internal:80", "unix:/run/app.sock": for logs
    const std::shared_ptr<net::ResolvedName> endpoints;
    std::optional<conf::UpstreamTls> tls;
    std::string server_name;  // with tls: SNI and what the certificate has to say
    const Slot slot;
};

// "127.0.0.1:3000", "app.internal:80", "[::1]:80", "unix:/run/app.sock".
std::string text_of(const conf::Peer& peer);

// [any]
struct Upstream {
    Upstream(std::shared_ptr<Slot::Source> slots, bool is_live)
        : live(is_live ? std::make_unique<Live>() : nullptr), slot(std::move(slots)) {}

    struct Member {
        std::shared_ptr<const Peer> peer;
        std::uint32_t weight = 1;
        metrics::Series counted = {};  // PeerCells
    };
    // Members that come and go while it serves: what modules have found, beside those of the files.
    class Live {
    public:
        // Rises with each change. [any]
        std::uint32_t version() const { return version_.load(std::memory_order_acquire); }
        std::shared_ptr<const std::vector<Member>> members() const;
        void set(std::vector<Member> members);

    private:
        mutable std::mutex mutex_;
        std::shared_ptr<const std::vector<Member>> members_;
        std::atomic<std::uint32_t> version_{0};
    };

    std::string name;
    std::vector<Member> members;       // of the files
    const std::unique_ptr<Live> live;  // these, and those that were found; null: there are no others
    std::optional<conf::UpstreamTls> tls;
    std::uint32_t keep_alive = 0;  // idle connections that a worker keeps per peer
    Millis keep_alive_timeout = 0;
    Millis connect_timeout = 0;
    Millis send_timeout = 0;
    Millis response_timeout = 0;
    std::size_t max_head = 0;
    const Slot slot;
};

// Makes them; one per process, for all generations. Control plane: takes a lock. [any]
class Registry {
public:
    // `resolver` outlives the registry.
    explicit Registry(net::Resolver& resolver);
    ~Registry();

    // The upstream that these settings describe: the living one if there is one. Names begin to be resolved;
    // net::Resolver::wait() waits for the first outcome.
    std::shared_ptr<const Upstream> make(const conf::Upstream& settings);

    // What `finder` has found for the upstreams of that name, in the place of what it found before. `serial`:
    // of the load that it speaks for. False: a later load spoke already, or it does not find peers any more.
    bool set_found(const std::string& upstream, const std::string& finder, std::uint64_t serial,
                   std::vector<conf::Peer> peers);
    // From now on these (upstream, finder) and no others find peers.
    void keep_finders(const std::vector<std::pair<std::string, std::string>>& finders);

private:
    struct Known;
    std::shared_ptr<const Peer> make_peer(const conf::Peer& peer,
                                          const std::optional<conf::UpstreamTls>& tls);
    Upstream::Member make_member(const Upstream& upstream, const conf::Peer& peer);
    void refresh(const Upstream& upstream);
    void refresh_all(const std::string& name);

    net::Resolver& resolver_;
    std::unique_ptr<Known> known_;
};

}  // namespace gantry::upstream
