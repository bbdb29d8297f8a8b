// Brings one request to a peer: whose turn it is, an idle or a new connection, another try where that is
// safe, and the response back. Knows nothing of who asks.
#pragma once

#include "core/http/h1_client.hpp"
#include "core/net/dialer.hpp"
#include "core/upstream/pool.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gantry::upstream {

// What begin() has to know. Everything outlives the attempt.
struct ForwardRequest {
    const std::shared_ptr<const Upstream>* upstream = nullptr;
    const http::ClientLimits* limits = nullptr;
    Arena* arena = nullptr;
    http::Method method = http::Method::Get;
    http::H1ResponseReader::Upgrade upgrade = http::H1ResponseReader::Upgrade::Refused;
    Millis timeout = 0;          // for all of it; 0: none
    Millis connect_timeout = 0;  // 0: as the upstream has it
    // What a connection begins with, before all else; those that began otherwise are not used.
    std::string_view preface;
    Picker* picker = nullptr;  // null: the balancer chooses
};

// Derive from it to forward. Used again and again, for one request at a time. [worker]
//
// begin() → write_request(), once per attempt → the response through ClientEvents → finish_response(), or
// fail_request() at any point. After either, and after drop(), it is at rest.
class Forward : public http::ClientEvents, net::DialEvents, net::Deadline {
public:
    static constexpr std::size_t kMaxPeers = 8;      // tried for one request
    static constexpr std::size_t kMaxEndpoints = 4;  // tried of one peer

    bool is_active() const { return pool_.get() != nullptr; }

protected:
    Forward() : dialer_(*this) {}
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;
    ~Forward() override = default;

    // May fail within the call.
    void begin(Pools& pools, const ForwardRequest& request);
    // Gives up: closes the connection at once. Nothing comes any more.
    void drop();
    // From now on the request cannot be sent anew: bytes of its body are gone.
    void forbid_retry() { may_retry_ = false; }
    // The connection in use; null before there is one and after the response is complete.
    http::H1Client* client() { return client_; }
    std::string_view peer() const {
        return pool_ ? std::string_view(pool_->peer().text) : std::string_view();
    }
    bool keeps_connections() const;
    // Where what happens at that peer, the last one that was tried, is counted: PeerCells.
    std::uint32_t counted() const { return counted_; }
    std::int64_t connect_nanos() const { return connect_nanos_; }  // 0: an idle connection was used

    // There is a connection: write the head and begin with the body. Again after a retry.
    virtual void write_request(http::H1Client& client) = 0;
    virtual void finish_response(const http::Headers* trailers) = 0;
    virtual void fail_request(const Error& error) = 0;

private:
    void on_response_end(const http::Headers* trailers) final;
    void on_client_failed(http::H1Client& client, const Error& error) final;
    void on_connected(net::TransportPtr transport) final;
    void on_connect_failed(const Error& error) final;
    void on_deadline() final;

    void next_peer();
    void connect();
    void use(http::H1Client& client);
    void fail_with(const Error& error);
    void rest();

    net::Worker* worker_ = nullptr;
    ForwardRequest request_;
    Ref<Group> group_;
    Ref<PeerPool> pool_;  // of the peer that is being tried
    http::H1Client* client_ = nullptr;
    net::Dialer dialer_;
    std::array<const PeerPool*, kMaxPeers> tried_{};
    std::uint32_t counted_ = 0;
    std::uint8_t tried_count_ = 0;
    std::uint8_t endpoints_tried_ = 0;
    bool may_retry_ = true;
    bool retried_ = false;
    std::int64_t connect_start_ = 0;
    std::int64_t connect_nanos_ = 0;
    Error last_error_{};
};

}  // namespace gantry::upstream
