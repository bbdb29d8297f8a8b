// What a worker keeps for each peer and upstream, over all generations: idle connections, what is known about
// the peer's health, and whose turn it is.
#pragma once

#include "core/base/ref.hpp"
#include "core/http/h1_client.hpp"
#include "core/net/dialer.hpp"
#include "core/net/wheel.hpp"
#include "core/net/worker.hpp"
#include "core/upstream/balancer.hpp"
#include "core/upstream/upstream.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace gantry::upstream {

// The connections of one worker to one peer. [worker]
class PeerPool final : public RefCounted, http::ClientEvents {
public:
    // A peer (or one of its addresses) that refused a connection is left alone for this long, while there are
    // others.
    static constexpr Millis kFailurePause = 1'000;

    // `tls`: for a peer with TLS; empty then means that its settings cannot be used, and nothing connects.
    PeerPool(net::Worker& worker, std::shared_ptr<const Peer> peer, Ref<net::TlsClientContext> tls);

    const Peer& peer() const { return *peer_; }
    // With whom the next connection speaks TLS; an empty context: plain.
    net::DialTls tls() const { return {tls_, peer_->server_name, peer_->text}; }
    bool is_usable() const { return !peer_->tls || tls_; }

    // The idle connection that was used last, of those that began with `preface`; null: none. The caller
    // start()s it at once, or destroy()s it.
    http::H1Client* take(std::string_view preface = {});
    // Takes a connection that is_reusable(). Beyond `keep` the one that is idle for longest goes.
    void put(http::H1Client& client, std::uint32_t keep, Millis timeout);
    void close_idle();
    std::size_t idle() const { return idle_; }

    // Where the next connection goes, in turn; null: the peer's name has no address.
    const net::Endpoint* next_endpoint();
    std::size_t endpoints() const { return endpoints_.size(); }
    // The endpoint that next_endpoint() gave last refused, or was not heard from.
    void on_connect_failed();
    void on_connected(http::H1Client& client);
    bool is_resting() const { return worker_.now() < resting_until_; }

private:
    friend class Pools;
    struct Target {
        net::Endpoint endpoint;
        std::uint64_t hash = 0;
        Millis resting_until = 0;
    };
    ~PeerPool() override;
    void update();
    void unlink(http::H1Client& client);

    void on_interim(const http::ResponseHead&) override {}
    void on_response_head(http::ResponseHead&) override {}
    void on_response_body(std::string_view, const Ref<Block>&) override {}
    void on_response_end(const http::Headers*) override {}
    void on_client_failed(http::H1Client& client, const Error& error) override;
    void on_request_drained() override {}
    void on_turn_end() override {}

    net::Worker& worker_;
    std::shared_ptr<const Peer> peer_;
    Ref<net::TlsClientContext> tls_;
    std::vector<Target> endpoints_;
    std::uint32_t version_ = 0;
    std::size_t turn_ = 0;
    Millis resting_until_ = 0;
    Millis last_used_ = 0;
    http::H1Client* newest_ = nullptr;
    http::H1Client* oldest_ = nullptr;
    std::size_t idle_ = 0;
};

// A peer that a request could go to.
struct Candidate {
    std::string_view address;  // as in logs
    std::uint32_t weight = 1;  // 0: gets no new requests
    bool is_resting = false;   // it did not answer a moment ago
    bool was_tried = false;    // for this request
};

// Chooses in the place of the balancer, for one request. [worker]
class Picker {
public:
    static constexpr std::size_t kBalancer = static_cast<std::size_t>(-1);  // the balancer is to choose

    // The index of one that was not tried, or kBalancer.
    virtual std::size_t pick(std::span<const Candidate> candidates) = 0;

protected:
    ~Picker() = default;
};

class Pools;

// One upstream on one worker. [worker]
class Group final : public RefCounted {
public:
    Group(std::shared_ptr<const Upstream> upstream, Pools& pools);

    const Upstream& upstream() const { return *upstream_; }
    // Whose turn it is, leaving out `tried`; peers that are resting only when no other is left. Null: none.
    // `picker`, which may be null, is asked first.
    PeerPool* pick(const PeerPool* const* tried, std::size_t count, Picker* picker);
    // Where requests of this upstream to that peer are counted: PeerCells.
    std::uint32_t counted(const PeerPool& pool) const;

private:
    friend class Pools;
    ~Group() override = default;

    void take(const std::vector<Upstream::Member>& members);
    void update();

    std::shared_ptr<const Upstream> upstream_;
    Pools& all_;
    std::shared_ptr<const std::vector<Upstream::Member>> found_;  // where the upstream is live
    const std::vector<Upstream::Member>* members_ = nullptr;
    std::vector<Ref<PeerPool>> pools_;  // of each
    std::uint32_t version_ = 0;         // of what was found
    RoundRobin turns_;
    Millis last_used_ = 0;
};

// All of one worker. Made anywhere, used and destroyed on the worker (or when its loop is over).
class Pools final : net::Deadline {
public:
    // What was not used for this long is forgotten; the next use makes it anew.
    static constexpr Millis kForgetAfter = 300'000;

    explicit Pools(net::Worker& worker) : worker_(worker) {}
    ~Pools() override;

    net::Worker& worker() { return worker_; }
    Ref<Group> group(const std::shared_ptr<const Upstream>& upstream);
    void close_idle();

private:
    friend class Group;
    Ref<PeerPool> pool(const std::shared_ptr<const Peer>& peer);
    Ref<net::TlsClientContext> tls_of(const Peer& peer);
    void on_deadline() override;

    net::Worker& worker_;
    std::vector<Ref<PeerPool>> pools_;  // by slot
    std::vector<Ref<Group>> groups_;    // by slot
};

}  // namespace gantry::upstream
