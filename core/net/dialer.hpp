// Connects to a peer without blocking: TCP over IPv4 or IPv6, or a unix socket, with a deadline on the wheel.
#pragma once

#include "core/net/resolver.hpp"
#include "core/net/transport.hpp"
#include "core/net/worker.hpp"

namespace gantry::net {

// Who waits for a connection. One of the two comes once per start(), maybe within it; then the dialer may be
// started again. Errors are Side::Upstream: Code::Connect or Code::UpstreamTimeout.
class DialEvents {
public:
    virtual void on_connected(TransportPtr transport) = 0;
    virtual void on_connect_failed(const Error& error) = 0;

protected:
    ~DialEvents() = default;
};

// One connection at a time. [worker]
class Dialer final : TransportEvents, Deadline {
public:
    explicit Dialer(DialEvents& events) : events_(events) {}
    ~Dialer() override = default;

    // TCP sockets get TCP_NODELAY and TCP_INQ (performance.md 3.3).
    void start(Worker& worker, const Endpoint& endpoint, Millis timeout);
    // Gives up; nothing comes any more.
    void cancel();
    bool is_active() const { return transport_ != nullptr; }

private:
    void on_readable() override {}
    void on_writable() override;
    void on_deadline() override;
    void succeed();
    void fail_with(Code code, int system);

    DialEvents& events_;
    Worker* worker_ = nullptr;
    TransportPtr transport_;  // while connecting
};

}  // namespace gantry::net
