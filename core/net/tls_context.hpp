// The server side of TLS on one worker: what a listener allows, and an SSL_CTX for each certificate set that
// somebody asked for.
#pragma once

#include "core/base/ref.hpp"
#include "core/conf/settings.hpp"
#include "core/net/certificate_store.hpp"
#include "core/net/client_hello.hpp"
#include "core/net/tls_library.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct evp_cipher_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_store_st;

namespace gantry::net {

// Picks the certificates by the name that a client asks for. [worker]
class SniSelector {
public:
    // `name` is in lower case, without a trailing dot, at most 255 bytes; "" when the client named none or an
    // address. Null: no host of that name and no default one; the client gets the alert unrecognized_name.
    virtual const CertificateSet* select(std::string_view name) = 0;

protected:
    ~SniSelector() = default;
};

// Who is at the ends of a connection, as far as that is known without asking the kernel.
struct TlsEnds {
    PeerAddress client;
    const PeerAddress* local = nullptr;  // null: what the kernel says
};

// One per listener and worker; connections that shake hands keep it alive. [worker] but for check().
class TlsContext final : public RefCounted {
public:
    // Null with `problem` set: unknown ciphers or groups, or an unusable CA file. Call it on the worker that
    // will use it. `listener` separates the sessions of listeners.
    static Ref<TlsContext> make(const conf::TlsSettings& settings, const std::vector<std::string>& protocols,
                                std::string_view listener, std::shared_ptr<TicketKeys> ticket_keys,
                                std::string& problem);
    // What make() would complain about; "" when nothing. [any]
    static std::string check(const conf::TlsSettings& settings);

    // Who answers from the next handshake on; it has to live until it is replaced. Null: every handshake is
    // refused.
    void set_selector(SniSelector* selector) { selector_ = selector; }

    // Who sees the hellos of connections that are made from now on, and may answer them; as long as the
    // selector.
    void set_watcher(HelloWatcher& watcher);

    // Null: out of memory. Owned by the caller. `fd` and `ends` are for a watcher; `ends` may be null.
    ssl_st* new_connection(int fd, const TlsEnds* ends);
    // Whether the handshake was all there was to it, as its protocol is none of the listener's.
    static bool ends_after_handshake(const ssl_st* ssl);
    const std::shared_ptr<TlsLibrary>& library() const { return library_; }

    ~TlsContext() override;

private:
    struct Callbacks;
    struct Facts;
    struct Greeting;
    struct Entry {
        std::weak_ptr<const CertificateSet> set;
        std::uint64_t version = 0;      // of the set when `context` was made
        ssl_ctx_st* context = nullptr;  // null: nothing to serve
    };

    TlsContext() = default;
    static int facts_index();
    static const Facts& facts_of(const ssl_st* ssl);
    bool prepare(std::string_view listener, std::string& problem);
    ssl_ctx_st* make_context(const std::vector<CertificatePtr>& certificates, std::string& problem);
    void set_sessions(ssl_ctx_st* context);
    void set_client_rules(ssl_ctx_st* context);
    Entry& entry_for(const CertificateSet& set);
    void sweep(std::uint64_t keep);

    std::shared_ptr<TlsLibrary> library_;
    conf::TlsSettings settings_;
    std::string alpn_;           // wire form
    std::string session_scope_;  // a digest of the listener's name and of what it demands of clients
    ssl_ctx_st* base_ = nullptr;
    x509_store_st* client_store_ = nullptr;
    evp_cipher_st* ticket_cipher_ = nullptr;
    SniSelector* selector_ = nullptr;
    HelloWatcher* watcher_ = nullptr;
    std::shared_ptr<TicketKeys> ticket_keys_;
    std::shared_ptr<const TicketKeys::Snapshot> tickets_;  // this worker's copy
    std::unordered_map<std::uint64_t, Entry> entries_;     // by CertificateSet::id
    std::size_t sweep_at_ = 64;
};

}  // namespace gantry::net
