// The client side of TLS on one worker: how an upstream's peers are trusted, and the sessions that they gave
// us.
#pragma once

#include "core/base/ref.hpp"
#include "core/conf/settings.hpp"
#include "core/net/tls_library.hpp"
#include "core/net/transport.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace gantry::net {

// One per upstream and worker; its connections keep it alive. [worker] but for check().
class TlsClientContext final : public RefCounted {
public:
    // Null with `problem` set when the CA file cannot be used. Call it on the worker that will use it. Reads
    // files.
    static Ref<TlsClientContext> make(const conf::UpstreamTls& settings, std::string& problem);
    // What make() would complain about; "" when nothing. [any]
    static std::string check(const conf::UpstreamTls& settings);

    // `peer` tells the peers of the upstream apart ("10.0.0.1:443"): each one's newest session is resumed.
    // `host` is asked for and verified, unless the settings name another; it may be an address. Null: out of
    // memory, or `host` cannot be a name. Owned by the caller.
    ssl_st* new_connection(std::string_view host, std::string_view peer);
    const std::shared_ptr<TlsLibrary>& library() const { return library_; }

    ~TlsClientContext() override;

private:
    static constexpr std::size_t kMaxPeers = 1024;
    struct Peer {
        ssl_session_st* session = nullptr;
    };
    TlsClientContext() = default;
    bool prepare(std::string& problem);
    static int keep_session(ssl_st* ssl, ssl_session_st* session);

    std::shared_ptr<TlsLibrary> library_;
    conf::UpstreamTls settings_;
    ssl_ctx_st* context_ = nullptr;
    std::map<std::string, Peer, std::less<>> peers_;  // only grows: connections point into it
};

// Takes a connected, non-blocking socket; begins the handshake by itself (see tls_transport.hpp, which holds
// for this side as well). A certificate that is not trusted, or for another name, fails the handshake: the
// error's context is the reason. Null when the kernel refuses to watch the socket or memory is short.
TransportPtr make_tls_client_transport(UniqueFd fd, TlsClientContext& context, std::string_view host,
                                       std::string_view peer);

}  // namespace gantry::net
