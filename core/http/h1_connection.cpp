#include "core/http/h1_connection.hpp"

#include "core/http/h1_active.hpp"

#include <algorithm>

namespace gantry::http {

namespace {
constexpr std::size_t kRecycled = 256;  // H1Actives kept per listener and worker

// How long an idle connection is kept when the server ends: one without a request was made for one.
constexpr Millis kFirstRequest = 2'000;
constexpr Millis kNextRequest = 200;

std::uint32_t clock_units(const net::Worker& worker) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(worker.now_nanos()) / 1024);
}
}  // namespace

H1Settings::H1Settings() = default;
H1Settings::~H1Settings() = default;

void H1Connection::serve(net::TransportPtr transport, H1Settings& settings, const net::PeerAddress& client,
                         std::unique_ptr<const ConnectionNotes> notes) {
    auto* connection = new H1Connection(std::move(transport), settings, client);
    connection->notes_ = std::move(notes);
    if (connection->transport_->is_tls()) {
        connection->wait_for(Wait::Handshake, settings.handshake_timeout);
    } else {
        connection->wait_for(Wait::Idle, settings.idle_timeout);
    }
    connection->transport_->want_read();
}

H1Connection::H1Connection(net::TransportPtr transport, H1Settings& settings, const net::PeerAddress& client)
    : transport_(std::move(transport)),
      settings_(settings),
      client_(client),
      id_(++settings.connections),
      begun_(clock_units(*settings.worker)) {
    transport_->set_events(this);
}

H1Connection::~H1Connection() {
    settings_.worker->connections.fetch_sub(1, std::memory_order_relaxed);
    settings_.open->fetch_sub(1, std::memory_order_relaxed);
    if (active_ != nullptr) release_active();
}

void H1Connection::acquire_active() {
    if (settings_.free.empty()) {
        active_ = new H1Active(*settings_.worker);
    } else {
        active_ = settings_.free.back().release();
        settings_.free.pop_back();
    }
    active_->attach(*this);
}

void H1Connection::release_active() {
    std::unique_ptr<H1Active> active(std::exchange(active_, nullptr));
    active->reset();
    if (settings_.free.size() < kRecycled) settings_.free.push_back(std::move(active));
}

void H1Connection::wait_for(Wait what, Millis timeout) {
    wait_ = what;
    net::Wheel& wheel = settings_.worker->wheel();
    what == Wait::Nothing ? wheel.clear(*this) : wheel.set(*this, settings_.worker->now() + timeout);
}

std::uint32_t H1Connection::units_since_begin() const {
    return clock_units(*settings_.worker) - begun_;
}

void H1Connection::on_readable() {
    if (active_ == nullptr) {
        if (requests_ == 0) queued_ = units_since_begin();
        acquire_active();
    }
    active_->on_readable();
}

void H1Connection::on_writable() {
    if (active_ != nullptr) active_->on_writable();
}

void H1Connection::on_handshake(const Error* failure) {
    if (failure != nullptr) {
        settings_.handshakes.count_failure();
        delete this;
        return;
    }
    settings_.handshakes.count(transport_->tls());
    handshake_ = std::max(units_since_begin(), 1u);
    begun_ = clock_units(*settings_.worker);
    wait_for(Wait::Idle, settings_.draining ? kFirstRequest : settings_.idle_timeout);
    // A request that came with the end of the handshake shares its packets with the session ticket.
    transport_->has_more() ? on_readable() : transport_->want_read();
}

void H1Connection::on_deadline() {
    if (active_ == nullptr) {
        if (wait_ == Wait::Handshake) settings_.handshakes.count_failure();
        delete this;
        return;
    }
    active_->on_deadline();
}

// The first time, idle connections get a moment: what was sent before the client could know is answered. The
// second time they go.
void H1Connection::on_drain() {
    if (active_ != nullptr) return;
    if (wait_ == Wait::Idle || wait_ == Wait::Handshake) {
        const Millis moment = requests_ == 0 ? kFirstRequest : kNextRequest;
        wait_for(Wait::Leaving, moment);
    } else if (wait_ == Wait::Leaving) {
        delete this;
    }
}

}  // namespace gantry::http
