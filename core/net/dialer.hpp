// Connects to a peer without blocking: TCP over IPv4 or IPv6, or a unix socket, and TLS where wanted, with
// one deadline on the wheel for all of it.
#pragma once

#include "core/net/resolver.hpp"
#include "core/net/tls_client.hpp"
#include "core/net/transport.hpp"
#include "core/net/worker.hpp"

#include <string_view>

namespace gantry::net {

// Who waits for a connection. One of the two comes once per start(), maybe within it; then the dialer may be
// started again. Errors are Side::Upstream: Code::Connect, Code::Tls or Code::UpstreamTimeout.
class DialEvents {
public:
    virtual void on_connected(TransportPtr transport) = 0;
    virtual void on_connect_failed(const Error& error) = 0;

protected:
    ~DialEvents() = default;
};

// With whom TLS is spoken. The views live until the outcome.
struct DialTls {
    Ref<TlsClientContext> context;  // empty: plain
    std::string_view host;          // asked for and verified
    std::string_view peer;          // whose sessions are resumed
};

// One connection at a time. [worker]
class Dialer final : TransportEvents {
public:
    explicit Dialer(DialEvents& events) : events_(events) {}
    ~Dialer() override = default;

    // TCP sockets get TCP_NODELAY and TCP_INQ (performance.md 3.3). `preface`: what is sent before all else,
    // TLS included; a few KiB, which live until the outcome.
    void start(Worker& worker, const Endpoint& endpoint, Millis timeout, DialTls tls = {},
               std::string_view preface = {});
    // Gives up; nothing comes any more.
    void cancel();
    bool is_active() const { return transport_ != nullptr; }

private:
    void on_readable() override {}
    void on_writable() override;
    void on_handshake(const Error* failure) override;
    void on_deadline() override;
    void on_connected();
    void succeed();
    void fail_with(Code code, int system, const char* context = "while connecting to the peer");

    DialEvents& events_;
    Worker* worker_ = nullptr;
    TransportPtr transport_;  // while connecting
    DialTls tls_;
    std::string_view preface_;
};

}  // namespace gantry::net
