#include "core/net/tls_client.hpp"

#include "core/net/tls_engine.hpp"
#include "core/net/tls_handles.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>

namespace gantry::net {

namespace {

constexpr unsigned char kAlpn[] = "\x08http/1.1";

bool is_address(const std::string& host) {
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// Whom we want to reach: what the certificate has to name, and, unless it is an address (RFC 6066 3), what we
// ask for.
bool set_name(SSL* ssl, const std::string& host) {
    if (host.find('\0') != host.npos) return false;
    if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

TlsClientContext::~TlsClientContext() {
    for (auto& [key, peer] : peers_) SSL_SESSION_free(peer.session);
    SSL_CTX_free(context_);
}

Ref<TlsClientContext> TlsClientContext::make(const conf::UpstreamTls& settings, std::string& problem) {
    Ref<TlsClientContext> self(new TlsClientContext);
    self->library_ = TlsLibrary::current();
    self->settings_ = settings;
    if (!self->prepare(problem)) return {};
    return self;
}

std::string TlsClientContext::check(const conf::UpstreamTls& settings) {
    std::string problem;
    make(settings, problem);
    return problem;
}

bool TlsClientContext::prepare(std::string& problem) {
    ERR_clear_error();
    context_ = SSL_CTX_new_ex(library_->context(), nullptr, TLS_client_method());
    if (context_ == nullptr) {
        problem = "cannot make a TLS context";
        return false;
    }
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_alpn_protos(context_, kAlpn, sizeof kAlpn - 1);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_, keep_session);
    if (!settings_.verify) return true;
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    const bool trusts = settings_.ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context_) == 1
                            : SSL_CTX_load_verify_file(context_, settings_.ca_file.c_str()) == 1;
    if (!trusts) {
        const char* reason = ERR_reason_error_string(ERR_peek_last_error());
        problem = "cannot use the CA file " + settings_.ca_file;
        if (reason != nullptr) problem.append(": ").append(reason);
        ERR_clear_error();
    }
    return trusts;
}

SSL* TlsClientContext::new_connection(std::string_view host, std::string_view peer) {
    const std::string name = settings_.server_name.empty() ? std::string(host) : settings_.server_name;
    Handle<SSL, SSL_free> ssl(SSL_new(context_));
    if (!ssl || !set_name(ssl.get(), name)) return nullptr;
    SSL_set_connect_state(ssl.get());
    std::string key{peer};
    key.append(1, '\0').append(name);
    auto found = peers_.find(key);
    if (found == peers_.end() && peers_.size() < kMaxPeers)
        found = peers_.emplace(std::move(key), Peer{}).first;
    if (found == peers_.end()) return ssl.release();
    Peer& known = found->second;
    SSL_set_app_data(ssl.get(), &known);
    if (known.session != nullptr) {
        SSL_set_session(ssl.get(), known.session);
        // RFC 8446 C.4: a ticket of TLS 1.3 is used once. The connection brings the next one.
        if (SSL_SESSION_get_protocol_version(known.session) >= TLS1_3_VERSION) {
            SSL_SESSION_free(std::exchange(known.session, nullptr));
        }
    }
    return ssl.release();
}

// Called by OpenSSL when the peer gives a session; ours when we return 1.
int TlsClientContext::keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* peer = static_cast<Peer*>(SSL_get_app_data(ssl));
    if (peer == nullptr || SSL_SESSION_is_resumable(session) != 1) return 0;
    SSL_SESSION_free(std::exchange(peer->session, session));
    return 1;
}

TransportPtr make_tls_client_transport(UniqueFd fd, TlsClientContext& context, std::string_view host,
                                       std::string_view peer) {
    return start_tls(std::move(fd), context.new_connection(host, peer), Ref<RefCounted>(&context),
                     context.library(), Side::Upstream);
}

}  // namespace gantry::net
