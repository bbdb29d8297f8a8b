#include "core/upstream/forward.hpp"

#include "core/upstream/counts.hpp"

#include <algorithm>
#include <utility>

namespace gantry::upstream {

void Forward::begin(Pools& pools, const ForwardRequest& request) {
    worker_ = &pools.worker();
    request_ = request;
    group_ = pools.group(*request.upstream);
    client_ = nullptr;
    counted_ = 0;
    tried_count_ = endpoints_tried_ = 0;
    may_retry_ = true;
    retried_ = false;
    connect_nanos_ = 0;
    last_error_ = Error{Code::Unavailable, Side::Upstream, Retry::No, 0, "because the upstream has no peer"};
    if (request.timeout > 0) worker_->wheel().set(*this, worker_->now() + request.timeout);
    next_peer();
}

bool Forward::keeps_connections() const {
    return group_->upstream().keep_alive > 0;
}

void Forward::next_peer() {
    PeerPool* pool =
        tried_count_ < tried_.size() ? group_->pick(tried_.data(), tried_count_, request_.picker) : nullptr;
    if (pool == nullptr) return fail_with(last_error_);
    tried_[tried_count_++] = pool;
    pool_ = Ref<PeerPool>(pool);
    counted_ = group_->counted(*pool);
    endpoints_tried_ = 0;
    if (http::H1Client* idle = pool->take(request_.preface)) {
        count(counted_ + PeerCells::kReused);
        return use(*idle);
    }
    connect();
}

void Forward::connect() {
    const net::Endpoint* endpoint = pool_->next_endpoint();
    if (endpoint == nullptr) {
        last_error_ = Error{Code::Unavailable, Side::Upstream, Retry::Yes, 0,
                            "because the name of the peer has no address"};
        return next_peer();
    }
    if (!pool_->is_usable()) {
        last_error_ = Error{Code::Unavailable, Side::Upstream, Retry::Yes, 0,
                            "because the TLS settings of the peer cannot be used"};
        return next_peer();
    }
    ++endpoints_tried_;
    connect_start_ = monotonic_nanos();
    const Millis limit =
        request_.connect_timeout > 0 ? request_.connect_timeout : group_->upstream().connect_timeout;
    dialer_.start(*worker_, *endpoint, limit, pool_->tls(), request_.preface);
}

void Forward::on_connect_failed(const Error& error) {
    last_error_ = error;
    count(counted_ + PeerCells::kConnectFailures);
    pool_->on_connect_failed();
    if (endpoints_tried_ < std::min(pool_->endpoints(), kMaxEndpoints)) return connect();
    next_peer();
}

void Forward::on_connected(net::TransportPtr transport) {
    connect_nanos_ = monotonic_nanos() - connect_start_;
    count(counted_ + PeerCells::kConnections);
    count_time(counted_ + PeerCells::kConnect, connect_nanos_);
    auto* client = new http::H1Client(*worker_, std::move(transport));
    client->preface = request_.preface;
    pool_->on_connected(*client);
    use(*client);
}

void Forward::use(http::H1Client& client) {
    client_ = &client;
    auto* response = request_.arena->make<http::IncomingResponse>(*request_.arena);
    client.start(*this, *response, *request_.arena, *request_.limits, request_.method, request_.upgrade);
    write_request(client);
}

void Forward::on_response_end(const http::Headers* trailers) {
    http::H1Client& client = *std::exchange(client_, nullptr);
    const Upstream& upstream = group_->upstream();
    if (client.is_reusable()) {
        pool_->put(client, upstream.keep_alive, upstream.keep_alive_timeout);
    } else {
        client.destroy();
    }
    rest();
    finish_response(trailers);
}

void Forward::on_client_failed(http::H1Client& client, const Error& error) {
    client_ = nullptr;
    // RFC 9110 9.2.2: what is not idempotent is sent again only when the peer cannot have seen it.
    const bool safe =
        error.retry == Retry::Yes ||
        (error.retry == Retry::OnlyIfReused && client.is_reused() && http::is_idempotent(request_.method));
    client.destroy();
    if (!safe || !may_retry_ || retried_) return fail_with(error);
    retried_ = true;
    count(counted_ + PeerCells::kRetries);
    last_error_ = error;
    endpoints_tried_ = 0;
    // The other idle connections may have died in the same way: a new one.
    connect();
}

void Forward::on_deadline() {
    fail_with(
        Error{Code::UpstreamTimeout, Side::Upstream, Retry::No, 0, "within the time for the whole exchange"});
}

void Forward::fail_with(const Error& error) {
    const Error kept = error;
    drop();
    fail_request(kept);
}

void Forward::drop() {
    dialer_.cancel();
    if (client_ != nullptr) std::exchange(client_, nullptr)->destroy();
    rest();
}

void Forward::rest() {
    if (is_set()) worker_->wheel().clear(*this);
    pool_.reset();
    group_.reset();
}

}  // namespace gantry::upstream
