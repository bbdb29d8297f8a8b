#include "core/net/tls_context.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/net/tls_handles.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

namespace gantry::net {

namespace {

// Mozilla's "intermediate" list: forward secrecy and authenticated encryption only, AES-128 first as it is
// fastest.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// OpenSSL knows the hybrid with ML-KEM from 3.5 on.
constexpr const char* kGroups[] = {"X25519:X25519MLKEM768:P-256:P-384", "X25519:P-256:P-384"};

std::string reason(std::string_view what) {
    const char* text = ERR_reason_error_string(ERR_peek_last_error());
    std::string problem{what};
    if (text != nullptr) problem.append(": ").append(text);
    ERR_clear_error();
    return problem;
}

bool is_address(const char* name) {
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, name, bytes) == 1 || ::inet_pton(AF_INET6, name, bytes) == 1;
}

// The DER of a certificate as an object of this worker's library.
X509Handle to_x509(const std::string& der, OSSL_LIB_CTX* library) {
    X509* certificate = X509_new_ex(library, nullptr);
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    // d2i frees the object when the bytes are bad.
    if (certificate != nullptr && d2i_X509(&certificate, &bytes, static_cast<long>(der.size())) == nullptr)
        return {};
    return X509Handle(certificate);
}

bool use_certificate(SSL_CTX* context, const CertificateData& data, OSSL_LIB_CTX* library) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(data.key.data());
    const KeyHandle key(
        d2i_AutoPrivateKey_ex(nullptr, &bytes, static_cast<long>(data.key.size()), library, nullptr));
    const ChainHandle issuers(sk_X509_new_null());
    const X509Handle leaf = to_x509(data.chain.front(), library);
    for (std::size_t i = 1; i < data.chain.size(); ++i) {
        if (X509Handle issuer = to_x509(data.chain[i], library))
            sk_X509_push(issuers.get(), issuer.release());
    }
    return key && leaf && SSL_CTX_use_cert_and_key(context, leaf.get(), key.get(), issuers.get(), 1) == 1;
}

bool set_groups(SSL_CTX* context, const std::string& groups) {
    if (!groups.empty()) return SSL_CTX_set1_groups_list(context, groups.c_str()) == 1;
    for (const char* list : kGroups) {
        if (SSL_CTX_set1_groups_list(context, list) == 1) return true;
        ERR_clear_error();
    }
    return false;
}

}  // namespace

// What a context knows about itself; freed with it, which is later than we let go of it when a handshake is
// under way.
struct TlsContext::Facts {
    TlsContext* owner;
    std::vector<CertificatePtr> certificates;

    static void free(void*, void* facts, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Facts*>(facts);
    }
};

int TlsContext::facts_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, Facts::free);
    return index;
}

const TlsContext::Facts& TlsContext::facts_of(const SSL* ssl) {
    return *static_cast<const Facts*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), facts_index()));
}

// What a watcher is told of a connection, and what it answered; freed with it.
struct TlsContext::Greeting {
    ClientHello hello;
    bool is_over = false;  // hello.protocol and hello.certificate are the answer
    bool ends = false;

    static void free(void*, void* greeting, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Greeting*>(greeting);
    }
    static int index() {
        static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free);
        return index;
    }
    // Null: nobody watches.
    static Greeting* of(const SSL* ssl) { return static_cast<Greeting*>(SSL_get_ex_data(ssl, index())); }
};

// What OpenSSL calls while a handshake runs. None of them may throw.
struct TlsContext::Callbacks {
    static std::string_view extension(SSL* ssl, unsigned type) {
        const unsigned char* bytes = nullptr;
        std::size_t size = 0;
        if (SSL_client_hello_get0_ext(ssl, type, &bytes, &size) != 1) return {};
        return {reinterpret_cast<const char*>(bytes), size};
    }

    // Before everything else, where somebody watches.
    static int client_hello(SSL* ssl, int* alert, void* self) {
        const auto& context = *static_cast<TlsContext*>(self);
        Greeting* const greeting = Greeting::of(ssl);
        // The second hello of a handshake, after a HelloRetryRequest, gets the answer of the first.
        if (greeting == nullptr || std::exchange(greeting->is_over, true)) return SSL_CLIENT_HELLO_SUCCESS;
        ClientHello& hello = greeting->hello;
        std::string name = lower_case(server_name_in(extension(ssl, TLSEXT_TYPE_server_name)));
        if (name.ends_with('.')) name.pop_back();
        const bool is_name = name.size() < 256 && name.find('\0') == name.npos && !is_address(name.c_str());
        hello.server_name = is_name ? std::string_view(name) : std::string_view();
        hello.protocols = protocols_in(extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation));
        const bool goes_on = context.watcher_->on_hello(hello) == HelloWatcher::Answer::GoOn;
        const bool is_ours = hello.protocol.empty() || has_protocol(context.alpn_, hello.protocol);
        hello.server_name = hello.protocols = {};
        if (!goes_on) {
            *alert = hello.alert;
            return SSL_CLIENT_HELLO_ERROR;
        }
        greeting->ends = !is_ours;
        return SSL_CLIENT_HELLO_SUCCESS;
    }

    // Nothing of such a connection is for HTTP, so nobody has to say who he is, or may come back to it.
    static void prepare_end(SSL* ssl) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
        SSL_set_num_tickets(ssl, 0);
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
    }

    static int server_name(SSL* ssl, int* alert, void* self) {
        auto& context = *static_cast<TlsContext*>(self);
        const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        char name[255];
        std::size_t size = 0;
        if (asked != nullptr && !is_address(asked)) {
            size = std::strlen(asked);
            if (size > 0 && asked[size - 1] == '.') --size;
            *alert = SSL_AD_UNRECOGNIZED_NAME;
            if (size > sizeof name) return SSL_TLSEXT_ERR_ALERT_FATAL;
            std::transform(asked, asked + size, name, to_lower);
        }
        const Greeting* const greeting = Greeting::of(ssl);
        const CertificateSet* set = greeting != nullptr && greeting->hello.certificate != nullptr
                                        ? greeting->hello.certificate.get()
                                    : context.selector_ != nullptr ? context.selector_->select({name, size})
                                                                   : nullptr;
        if (set == nullptr) {
            *alert = SSL_AD_UNRECOGNIZED_NAME;
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        const Entry& entry = context.entry_for(*set);
        if (entry.context == nullptr || SSL_set_SSL_CTX(ssl, entry.context) == nullptr) {
            *alert = SSL_AD_INTERNAL_ERROR;
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        if (greeting != nullptr && greeting->ends) prepare_end(ssl);
        return asked != nullptr ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    }

    static int alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* self) {
        const Greeting* const greeting = Greeting::of(ssl);
        if (greeting != nullptr && !greeting->hello.protocol.empty()) {
            const std::string& answered = greeting->hello.protocol;
            *chosen = reinterpret_cast<const unsigned char*>(answered.data());
            *size = static_cast<unsigned char>(answered.size());
            return SSL_TLSEXT_ERR_OK;
        }
        const std::string& ours = static_cast<TlsContext*>(self)->alpn_;
        if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
        unsigned char* result = nullptr;
        const int verdict =
            SSL_select_next_proto(&result, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                  static_cast<unsigned>(ours.size()), offered, offered_size);
        *chosen = result;
        // RFC 7301 3.2: no overlap ends the handshake with no_application_protocol.
        return verdict == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    static int status(SSL* ssl, void*) {
        const X509* leaf = SSL_get_certificate(ssl);
        unsigned char* der = nullptr;
        const int size = leaf != nullptr ? i2d_X509(leaf, &der) : 0;
        if (size <= 0) return SSL_TLSEXT_ERR_NOACK;
        const std::string served(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
        for (const CertificatePtr& certificate : facts_of(ssl).certificates) {
            if (certificate->chain.front() != served) continue;
            const std::string& response = certificate->ocsp;
            const bool is_over =
                certificate->ocsp_until != 0 && certificate->ocsp_until <= std::time(nullptr);
            if (response.empty() || is_over) return SSL_TLSEXT_ERR_NOACK;
            void* copy = OPENSSL_memdup(response.data(), response.size());
            if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
            SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));
            return SSL_TLSEXT_ERR_OK;
        }
        return SSL_TLSEXT_ERR_NOACK;
    }

    // 1: go on; 2: go on and give a new ticket; 0: no such key, so a full handshake; -1: failed.
    static int ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int sealing) {
        TlsContext* const self = facts_of(ssl).owner;
        const Millis now = monotonic_millis();
        if (!self->tickets_ || now >= self->tickets_->until)
            self->tickets_ = self->ticket_keys_->current(now);
        if (!self->tickets_) return sealing != 0 ? -1 : 0;
        const auto& keys = self->tickets_->keys;
        std::size_t used = 0;
        if (sealing != 0) {
            std::memcpy(name, keys[0].name.data(), keys[0].name.size());
            if (RAND_bytes_ex(self->library_->context(), iv, EVP_MAX_IV_LENGTH, 0) != 1) return -1;
        } else {
            while (used < keys.size() &&
                   std::memcmp(name, keys[used].name.data(), keys[used].name.size()) != 0)
                ++used;
            if (used == keys.size()) return 0;
        }
        const TicketKeys::Key& key = keys[used];
        char digest[] = "SHA256";
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac.data()),
                                              key.mac.size()),
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end(),
        };
        if (EVP_MAC_CTX_set_params(mac, params) != 1) return -1;
        if (EVP_CipherInit_ex2(cipher, self->ticket_cipher_, key.cipher.data(), iv, sealing, nullptr) != 1)
            return -1;
        // In TLS 1.3 a client uses a ticket once (RFC 8446 C.4), so each one is followed by the next.
        return used == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
    }
};

TlsContext::~TlsContext() {
    for (auto& [id, entry] : entries_) SSL_CTX_free(entry.context);
    SSL_CTX_free(base_);
    X509_STORE_free(client_store_);
    EVP_CIPHER_free(ticket_cipher_);
}

Ref<TlsContext> TlsContext::make(const conf::TlsSettings& settings, const std::vector<std::string>& protocols,
                                 std::string_view listener, std::shared_ptr<TicketKeys> ticket_keys,
                                 std::string& problem) {
    Ref<TlsContext> self(new TlsContext);
    self->library_ = TlsLibrary::current();
    self->settings_ = settings;
    self->ticket_keys_ = std::move(ticket_keys);
    for (const std::string& protocol : protocols) {
        if (protocol.empty() || protocol.size() > 255) continue;
        self->alpn_.append(1, static_cast<char>(protocol.size())).append(protocol);
    }
    if (!self->prepare(listener, problem)) return {};
    return self;
}

std::string TlsContext::check(const conf::TlsSettings& settings) {
    std::string problem;
    make(settings, {}, "", std::make_shared<TicketKeys>(settings.ticket_rotation), problem);
    return problem;
}

// Makes what all contexts of the listener have in common, and the one that connections begin with.
bool TlsContext::prepare(std::string_view listener, std::string& problem) {
    ERR_clear_error();
    OSSL_LIB_CTX* const library = library_->context();
    const conf::ClientCertificates& client = settings_.client;
    // A session that was verified under other rules must not be resumed here.
    std::string scope = fmt::format("{}/{}/{}", listener, static_cast<int>(client.mode), client.depth);
    if (client.mode != conf::ClientCertificates::Mode::None) {
        client_store_ = X509_STORE_new();
        if (X509_STORE_load_file_ex(client_store_, client.ca_file.c_str(), library, nullptr) != 1) {
            problem = reason("cannot use the CA file " + client.ca_file);
            return false;
        }
        std::ifstream file(client.ca_file);
        scope.append(std::istreambuf_iterator<char>(file), {});
    }
    session_scope_.resize(32);
    auto* digest = reinterpret_cast<unsigned char*>(session_scope_.data());
    EVP_Q_digest(library, "SHA256", nullptr, scope.data(), scope.size(), digest, nullptr);
    ticket_cipher_ = EVP_CIPHER_fetch(library, "AES-256-CBC", nullptr);
    base_ = make_context({}, problem);
    return base_ != nullptr && ticket_cipher_ != nullptr;
}

// A context with everything that the listener says, and with `certificates`. Null: `problem` says why.
SSL_CTX* TlsContext::make_context(const std::vector<CertificatePtr>& certificates, std::string& problem) {
    OSSL_LIB_CTX* const library = library_->context();
    SslContextHandle handle(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
    SSL_CTX* const context = handle.get();
    if (context == nullptr) {
        problem = reason("cannot make a TLS context");
        return nullptr;
    }
    auto* facts = new Facts{this, certificates};
    SSL_CTX_set_ex_data(context, facts_index(), facts);

    const bool only_13 = settings_.min_version == conf::TlsSettings::Version::Tls13;
    SSL_CTX_set_min_proto_version(context, only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    const std::string& ciphers = settings_.ciphers;
    if (SSL_CTX_set_cipher_list(context, ciphers.empty() ? kCiphers : ciphers.c_str()) != 1 ||
        SSL_CTX_set_ciphersuites(context, kSuites) != 1) {
        problem = reason("no cipher of \"" + ciphers + "\" can be used");
        return nullptr;
    }
    if (!set_groups(context, settings_.groups)) {
        problem = reason("the groups \"" + settings_.groups + "\" cannot be used");
        return nullptr;
    }
    set_sessions(context);
    set_client_rules(context);
    SSL_CTX_set_tlsext_servername_callback(context, Callbacks::server_name);
    SSL_CTX_set_tlsext_servername_arg(context, this);
    SSL_CTX_set_tlsext_status_cb(context, Callbacks::status);
    SSL_CTX_set_alpn_select_cb(context, Callbacks::alpn, this);
    for (const CertificatePtr& certificate : certificates) {
        if (use_certificate(context, *certificate, library)) continue;
        problem = reason("the certificate " + certificate->source + " cannot be served");
        return nullptr;
    }
    return handle.release();
}

// Sessions live in tickets alone: nothing to remember, and any worker opens what another one sealed.
void TlsContext::set_sessions(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    const auto* scope = reinterpret_cast<const unsigned char*>(session_scope_.data());
    SSL_CTX_set_session_id_context(context, scope, static_cast<unsigned>(session_scope_.size()));
    if (settings_.tickets) {
        SSL_CTX_set_num_tickets(context, 1);
        SSL_CTX_set_timeout(context, static_cast<long>(ticket_keys_->ticket_lifetime().count()));
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::ticket);
    } else {
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    }
}

void TlsContext::set_client_rules(SSL_CTX* context) {
    const conf::ClientCertificates& client = settings_.client;
    if (client.mode == conf::ClientCertificates::Mode::None) return;
    const int required =
        client.mode == conf::ClientCertificates::Mode::Required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE | required, nullptr);
    SSL_CTX_set_verify_depth(context, client.depth);
    SSL_CTX_set1_cert_store(context, client_store_);
    SSL_CTX_set_client_CA_list(
        context, base_ != nullptr
                     ? SSL_dup_CA_list(SSL_CTX_get_client_CA_list(base_))
                     : SSL_load_client_CA_file_ex(client.ca_file.c_str(), library_->context(), nullptr));
}

TlsContext::Entry& TlsContext::entry_for(const CertificateSet& set) {
    Entry& entry = entries_[set.id()];
    const std::uint64_t version = set.version();
    if (entry.version == version) return entry;
    entry.set = set.weak_from_this();
    std::vector<CertificatePtr> certificates = set.current();
    if (certificates.empty() && settings_.fallback == conf::TlsSettings::Fallback::SelfSigned) {
        if (CertificatePtr own = set.self_signed()) certificates.push_back(std::move(own));
    }
    SSL_CTX_free(entry.context);
    entry.context = nullptr;
    entry.version = version;
    std::string problem;
    if (!certificates.empty()) entry.context = make_context(certificates, problem);
    if (!problem.empty()) log::error("certificate not served: {}", problem);
    if (entries_.size() >= sweep_at_) sweep(set.id());
    return entry;
}

// Drops the contexts of sets that no host has any more.
void TlsContext::sweep(std::uint64_t keep) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        if (it->first == keep || !it->second.set.expired()) {
            ++it;
            continue;
        }
        SSL_CTX_free(it->second.context);
        it = entries_.erase(it);
    }
    sweep_at_ = std::max<std::size_t>(64, entries_.size() * 2);
}

void TlsContext::set_watcher(HelloWatcher& watcher) {
    watcher_ = &watcher;
    SSL_CTX_set_client_hello_cb(base_, Callbacks::client_hello, this);
}

SSL* TlsContext::new_connection(int fd, const TlsEnds* ends) {
    SSL* const ssl = SSL_new(base_);
    if (ssl == nullptr) return nullptr;
    SSL_set_accept_state(ssl);
    if (watcher_ == nullptr) return ssl;
    auto* const greeting = new Greeting;
    if (ends != nullptr) greeting->hello.client = ends->client;
    greeting->hello.local =
        ends != nullptr && ends->local != nullptr ? *ends->local : PeerAddress::of_local(fd);
    if (SSL_set_ex_data(ssl, Greeting::index(), greeting) == 1) return ssl;
    delete greeting;
    SSL_free(ssl);
    return nullptr;
}

bool TlsContext::ends_after_handshake(const SSL* ssl) {
    const Greeting* const greeting = Greeting::of(ssl);
    return greeting != nullptr && greeting->ends;
}

}  // namespace gantry::net
