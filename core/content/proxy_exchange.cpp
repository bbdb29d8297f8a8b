#include "core/content/proxy_exchange.hpp"

#include "core/upstream/counts.hpp"

#include <utility>

namespace gantry::content {

namespace {
constexpr std::size_t kRecycled = 256;
}

// ---- ProxyWorker

ProxyWorker::~ProxyWorker() {
    while (!active_.empty()) active_.back()->abort();
}

void ProxyWorker::start(const ProxySettings& settings, server::Exchange& exchange) {
    if (free_.empty()) free_.push_back(std::make_unique<ProxyExchange>(*this));
    active_.push_back(std::move(free_.back()));
    free_.pop_back();
    ProxyExchange& proxied = *active_.back();
    proxied.place_ = active_.size() - 1;
    proxied.start(settings, exchange);
}

void ProxyWorker::give_back(ProxyExchange& proxied) {
    const std::size_t place = proxied.place_;
    std::swap(active_[place], active_.back());
    active_[place]->place_ = place;
    if (free_.size() < kRecycled) free_.push_back(std::move(active_.back()));
    active_.pop_back();
}

// ---- the request

void ProxyExchange::start(const ProxySettings& settings, server::Exchange& exchange) {
    settings_ = &settings;
    exchange_ = &exchange;
    const http::RequestHead& request = exchange.request();
    start_nanos_ = exchange.start_nanos();
    received_ = 0;
    body_kind_ = request.body;
    content_length_ = request.content_length;
    const bool has_body = request.body == http::BodyKind::Chunked || request.content_length > 0;
    body_ = has_body ? Body::Waiting : Body::None;
    upgrade_ = settings.upgrade && is_upgrade(request);
    tunnel_ = body_paused_ = false;
    exchange.set_source(this);
    if (!has_body || !settings.buffer_requests) return send_on();
    body_ = Body::Buffering;
    held_ = worker_.worker().take_chain();
    exchange.read_body(*this);
}

void ProxyExchange::send_on() {
    upstream::ForwardRequest request;
    request.upstream = &settings_->upstream;
    request.limits = &settings_->limits;
    request.arena = &exchange_->arena();
    request.method = exchange_->request().method;
    request.upgrade =
        upgrade_ ? http::H1ResponseReader::Upgrade::Wanted : http::H1ResponseReader::Upgrade::Refused;
    request.timeout = settings_->timeout;
    request.preface = exchange_->preface();
    request.picker = settings_->choice.pick == nullptr ? nullptr : this;
    begin(worker_.pools(), request);
}

void ProxyExchange::write_request(http::H1Client& client) {
    server::Exchange::UpstreamFacts& facts = exchange_->upstream();
    // The generation keeps a peer of its own; one that was found may go before the exchange does.
    facts.peer = settings_->upstream->live ? exchange_->arena().copy(peer()) : peer();
    facts.connect_nanos = connect_nanos();
    const ProxyTarget target{peer(), body_kind_, content_length_, upgrade_, keeps_connections()};
    write_proxy_head(settings_->rules, *exchange_, target, client.head());
    client.set_body(body_kind_);
    switch (body_) {
        case Body::None:
            client.finish_request(nullptr);
            return client.flush();
        case Body::Held:
        case Body::Paused:
            return send_held(client);
        default:
            break;
    }
    // Whatever is read of the body from here on is gone, should the connection die.
    forbid_retry();
    body_ = Body::Streaming;
    // The head leaves together with the first bytes of the body where they are here, and without them where
    // they are not: the client may first want to see an answer.
    client.flush_later();
    exchange_->read_body(*this);
}

void ProxyExchange::send_held(http::H1Client& client) {
    for (std::size_t i = 0; i < held_->segments(); ++i) {
        const Segment& segment = held_->at(i);
        client.send_body(segment.view(), segment.owner);
    }
    if (body_ == Body::Held) client.finish_request(nullptr);
    client.flush();
    if (body_ == Body::Held) return;
    forbid_retry();
    release_held();
    body_ = Body::Streaming;
    if (client.queued() > http::H1Client::kHighWater) {
        body_paused_ = true;  // on_request_drained() goes on
        return;
    }
    exchange_->stream().resume_body();
}

void ProxyExchange::release_held() {
    if (held_ != nullptr) worker_.worker().give_chain(std::exchange(held_, nullptr));
}

void ProxyExchange::on_body(std::string_view bytes, const Ref<Block>& owner) {
    if (body_ == Body::Buffering) {
        held_->append(bytes, owner);
        if (held_->bytes() < kBufferedBytes) return;
        body_ = Body::Paused;
        exchange_->stream().pause_body();
        return send_on();
    }
    http::H1Client* const peer = client();
    if (peer == nullptr) return;
    peer->send_body(bytes, owner);
    // Chunks come in small pieces: those of one event leave together.
    if (body_kind_ == http::BodyKind::Chunked && !tunnel_) {
        peer->flush_later();
    } else {
        peer->flush();
    }
    if (peer->queued() <= http::H1Client::kHighWater) return;
    body_paused_ = true;
    exchange_->stream().pause_body();
}

void ProxyExchange::on_body_end(const http::Headers* trailers) {
    if (body_ == Body::Buffering) {
        // Its length is known now, whatever it was sent as; and it can be sent again.
        body_ = Body::Held;
        body_kind_ = http::BodyKind::Length;
        content_length_ = held_->bytes();
        return send_on();
    }
    http::H1Client* const peer = client();
    if (peer == nullptr) return;
    http::Headers passed(exchange_->arena());
    if (trailers != nullptr) take_request_trailers(settings_->rules, *exchange_, *trailers, passed);
    peer->finish_request(passed.empty() ? nullptr : &passed);
    peer->flush();
}

void ProxyExchange::on_request_drained() {
    if (!std::exchange(body_paused_, false)) return;
    exchange_->stream().resume_body();
}

// ---- the response

void ProxyExchange::on_interim(const http::ResponseHead& head) {
    http::ResponseHead passed(exchange_->arena());
    take_response_head(head, exchange_->request().method, passed);
    exchange_->stream().send_interim(head.status, &passed.headers);
}

void ProxyExchange::on_response_head(http::ResponseHead& head) {
    server::Exchange::UpstreamFacts& facts = exchange_->upstream();
    facts.status = head.status;
    facts.first_byte_nanos = worker_.worker().now_nanos() - start_nanos_;
    take_response_head(head, exchange_->request().method, exchange_->response());
    // Refused before it is through: the rest of the body is not wanted, and the client should know.
    const bool is_refusal = head.status >= 300 || !head.keep_alive;
    if (is_refusal && !client()->is_request_complete()) exchange_->response().keep_alive = false;
    exchange_->send_head();
    if (head.status != 101) return;
    tunnel_ = true;
    exchange_->read_body(*this);
}

void ProxyExchange::on_response_body(std::string_view bytes, const Ref<Block>& owner) {
    received_ += bytes.size();
    exchange_->send_body(bytes, owner);
    if (exchange_->is_congested()) client()->pause();
}

void ProxyExchange::on_peer_ended() {
    exchange_->stream().end_write();
}

void ProxyExchange::on_turn_end() {
    exchange_->flush();
}

void ProxyExchange::finish_response(const http::Headers* trailers) {
    exchange_->upstream().response_nanos = worker_.worker().now_nanos() - start_nanos_;
    exchange_->finish(trailers);
}

void ProxyExchange::fail_request(const Error& error) {
    // The end of a tunnel is no one's mistake, and nothing is told about it inside.
    if (tunnel_) return exchange_->finish();
    exchange_->fail(error);
}

// ---- the exchange

void ProxyExchange::on_drained(server::Exchange&) {
    if (http::H1Client* const peer = client()) peer->resume();
}

// Not of those that found no peer to try.
void ProxyExchange::count(const server::Exchange& exchange) const {
    if (counted() == 0) return;
    using upstream::PeerCells;
    const server::Exchange::UpstreamFacts& facts = exchange.upstream();
    upstream::count(counted() + PeerCells::kAnswers +
                    http::answer_cell(exchange.request().method, facts.status));
    upstream::count(counted() + PeerCells::kReceived, received_);
    upstream::count_time(counted() + PeerCells::kFirstByte, facts.first_byte_nanos);
    upstream::count_time(counted() + PeerCells::kResponse, facts.response_nanos);
}

void ProxyExchange::on_end(server::Exchange& exchange) {
    count(exchange);
    drop();
    release_held();
    exchange_ = nullptr;
    worker_.give_back(*this);
}

}  // namespace gantry::content
