// The transport behind make_tls_server_transport() and make_tls_client_transport(). For net/ only.
#pragma once

#include "core/net/tls_library.hpp"
#include "core/net/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

struct bio_method_st;
struct bio_st;
struct ssl_st;

namespace gantry::net {

// Cipher bytes take three ways. In: one recv into the thread's buffer, from where OpenSSL takes them; what it
// leaves is put aside only when another connection needs the buffer. Out: records are collected in the
// thread's buffer and sent together at the end of each call. What the kernel does not take waits in a block
// of the worker's pool. An idle connection has no buffer of ours.
class TlsTransport final : public Transport {
public:
    // Takes `ssl`. `context` is what its callbacks point to: kept until the connection is gone.
    TlsTransport(UniqueFd fd, ssl_st* ssl, Ref<RefCounted> context, std::shared_ptr<TlsLibrary> library,
                 Side peer);

    // Begins the handshake. False: there is no memory for it.
    bool start();

    Io read(char* to, std::size_t size) override;
    Io write(Chain& chain) override;
    std::size_t bytes_held() const override;
    void shutdown_write() override;
    const TlsInfo* tls() const override;
    bool is_tls() const override { return true; }

private:
    enum class State : std::uint8_t { Handshake, Open, Refusing, Failed, Over };
    struct Facts;
    struct Bio;
    ~TlsTransport() override;
    void on_readable() override;
    void on_writable() override;

    void shake_hands();
    void finish_handshake();
    void end_after_handshake();
    void close_and_drain();
    void fail_handshake(const Error& error);
    void answer_plain_http();
    void drain_refused();
    Error handshake_error(int verdict);

    bool fill();                // one recv; false: nothing came
    bool has_received() const;  // cipher bytes that OpenSSL has not taken
    void keep_received();       // moves them out of the thread's buffer
    void update_more();
    bool flush();  // false: the connection is broken
    bool keep_unsent(std::string_view first, std::string_view second);
    enum class Record : std::uint8_t { Made, NeedsDisk, Failed };
    Record encrypt(Chain& chain, std::size_t& bytes, const char*& problem);
    std::size_t gather(Chain& chain, int& error);
    Io fail(Code code, const char* context, int system = 0);

    ssl_st* ssl_;
    Ref<RefCounted> context_;
    std::shared_ptr<TlsLibrary> library_;
    TlsTransport** guard_ = nullptr;  // told when this goes away during a callback
    Ref<Block> aside_;                // received earlier
    Ref<Block> unsent_;
    std::uint32_t aside_at_ = 0;
    std::uint32_t unsent_at_ = 0;
    std::uint32_t refused_bytes_ = 0;
    int system_ = 0;  // errno of the socket, once it broke
    mutable std::unique_ptr<Facts> facts_;
    State state_ = State::Handshake;
    Side peer_;
    std::uint8_t fills_ = 0;    // of the current call
    std::uint8_t held_ = 0;     // bytes of the chain that are encrypted but not consumed
    bool socket_more_ = false;  // a recv may find something
    bool ended_ = false;        // the socket's end was read
    bool broken_ = false;       // the socket failed
    bool blocked_ = false;      // the kernel took no more
    bool owner_waits_ = false;  // write() said Blocked
    bool any_received_ = false;
    bool plain_http_ = false;
    bool half_closed_ = false;  // shutdown_write(): FIN goes out behind what is unsent
};

// Takes all of it; null when `ssl` is, or when the kernel refuses to watch the socket or memory is short.
TransportPtr start_tls(UniqueFd fd, ssl_st* ssl, Ref<RefCounted> context, std::shared_ptr<TlsLibrary> library,
                       Side peer);

}  // namespace gantry::net
