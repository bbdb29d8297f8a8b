// One request on its way through the proxy, between the exchange (the client's side) and the forward (the
// peer's). Recycled per worker.
#pragma once

#include "core/content/proxy_head.hpp"
#include "core/server/exchange.hpp"
#include "core/server/peer_choice.hpp"
#include "core/server/worker_context.hpp"
#include "core/upstream/forward.hpp"

#include <memory>
#include <vector>

namespace gantry::content {

// What a proxy location is, compiled. Immutable; [any].
struct ProxySettings {
    std::shared_ptr<const upstream::Upstream> upstream;
    ProxyRules rules;
    http::ClientLimits limits;
    Millis timeout = 0;  // for the whole exchange; 0: none
    server::PeerChoice choice;
    bool upgrade = true;
    bool buffer_requests = false;
};

class ProxyWorker;

// [worker] From start() to on_end() it belongs to one exchange. Whatever ends the exchange - the client is
// gone, the response is sent - comes back as on_end(), which may be within a call of ours to the exchange: so
// such a call is the last thing that a function does.
class ProxyExchange final : upstream::Forward, upstream::Picker, server::ResponseSource, http::BodyReader {
public:
    // With buffer_requests: what is larger is streamed from there on.
    static constexpr std::size_t kBufferedBytes = 1024 * 1024;

    explicit ProxyExchange(ProxyWorker& worker) : worker_(worker) {}
    void start(const ProxySettings& settings, server::Exchange& exchange);
    // Ends the exchange, whatever it is at.
    void abort() { exchange_->stream().abort(); }

private:
    enum class Body : std::uint8_t {
        None,       // there is none
        Waiting,    // nobody asked the client for it yet
        Buffering,  // it is collected in held_
        Held,       // all of it is in held_
        Paused,     // what there was for held_ is there, the client waits with the rest
        Streaming,  // as it comes
    };

    void send_on();
    void send_held(http::H1Client& client);
    void release_held();
    void count(const server::Exchange& exchange) const;

    // upstream::Forward
    void write_request(http::H1Client& client) override;
    void finish_response(const http::Headers* trailers) override;
    void fail_request(const Error& error) override;
    void on_interim(const http::ResponseHead& head) override;
    void on_response_head(http::ResponseHead& head) override;
    void on_response_body(std::string_view bytes, const Ref<Block>& owner) override;
    void on_peer_ended() override;
    void on_request_drained() override;
    void on_turn_end() override;
    // upstream::Picker
    std::size_t pick(std::span<const upstream::Candidate> candidates) override {
        return settings_->choice.pick(*exchange_, settings_->choice.self, candidates);
    }
    // http::BodyReader: of the client
    void on_body(std::string_view bytes, const Ref<Block>& owner) override;
    void on_body_end(const http::Headers* trailers) override;
    // server::ResponseSource
    void on_drained(server::Exchange& exchange) override;
    void on_end(server::Exchange& exchange) override;

    friend class ProxyWorker;

    ProxyWorker& worker_;
    std::size_t place_ = 0;  // among the active ones
    const ProxySettings* settings_ = nullptr;
    server::Exchange* exchange_ = nullptr;
    Chain* held_ = nullptr;
    std::int64_t start_nanos_ = 0;
    std::uint64_t content_length_ = 0;
    std::uint64_t received_ = 0;                       // of the body of the response
    http::BodyKind body_kind_ = http::BodyKind::None;  // towards the peer
    Body body_ = Body::None;
    bool upgrade_ = false;
    bool tunnel_ = false;
    bool body_paused_ = false;
};

// The proxies' part of a worker: pools, and what is recycled. [worker]
class ProxyWorker {
public:
    explicit ProxyWorker(server::WorkerContext& worker) : worker_(worker.net()), pools_(worker.net()) {}
    // The worker ends: so does what is still under way.
    ~ProxyWorker();

    net::Worker& worker() { return worker_; }
    upstream::Pools& pools() { return pools_; }
    void start(const ProxySettings& settings, server::Exchange& exchange);
    void give_back(ProxyExchange& proxied);

private:
    net::Worker& worker_;
    upstream::Pools pools_;
    std::vector<std::unique_ptr<ProxyExchange>> free_;
    std::vector<std::unique_ptr<ProxyExchange>> active_;
};

}  // namespace gantry::content
