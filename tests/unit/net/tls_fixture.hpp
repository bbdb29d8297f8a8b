// What the tests of TLS have in common: certificates made on the spot, a worker that serves TLS, and a client
// that speaks it by OpenSSL's own blocking sockets.
#pragma once

#include "core/net/tls_context.hpp"
#include "core/net/tls_handles.hpp"
#include "core/net/tls_transport.hpp"
#include "core/net/transport.hpp"
#include "core/net/worker.hpp"
#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <optional>
#include <set>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace tls_test {

using namespace gantry;
using namespace gantry::net;

inline auto contains(const std::string& part) {
#ifdef GANTRY_CATCH2_V2
    return Catch::Matchers::Contains(part);
#else
    return Catch::Matchers::ContainsSubstring(part);
#endif
}

class TempDirectory {
public:
    TempDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "gantry-tls-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TempDirectory() { std::filesystem::remove_all(path_); }
    std::string write(const std::string& name, const std::string& content, unsigned mode = 0600) const {
        const std::string path = (path_ / name).string();
        const std::string temporary = path + ".new";
        std::ofstream(temporary, std::ios::binary) << content;
        std::filesystem::permissions(temporary, static_cast<std::filesystem::perms>(mode));
        std::filesystem::rename(temporary, path);
        return path;
    }
    std::string path(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

enum class KeyKind { Ec, Rsa, ShortRsa };

struct Made {
    X509Handle certificate;
    KeyHandle key;
    std::string pem() const;
    std::string key_pem() const;
};

struct Recipe {
    std::string cn = "example.test";
    std::vector<std::string> names{"example.test"};
    KeyKind kind = KeyKind::Ec;
    const Made* issuer = nullptr;  // null: itself
    bool is_ca = false;
    long from_days = -1;
    long to_days = 30;
};

inline std::string drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

inline std::string Made::pem() const {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate.get());
    return drain(bio.get());
}

inline std::string Made::key_pem() const {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return drain(bio.get());
}

inline Made make(const Recipe& recipe) {
    static long serial = 1000;
    Made made;
    made.key.reset(recipe.kind == KeyKind::Ec ? EVP_EC_gen("P-256")
                                              : EVP_RSA_gen(recipe.kind == KeyKind::Rsa ? 2048 : 1024));
    made.certificate.reset(X509_new());
    X509* const x509 = made.certificate.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x509), recipe.from_days * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x509), recipe.to_days * 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(recipe.cn.c_str()), -1, -1, 0);
    const Made& issuer = recipe.issuer != nullptr ? *recipe.issuer : made;
    X509_set_issuer_name(x509, X509_get_subject_name(issuer.certificate.get()));
    X509_set_pubkey(x509, made.key.get());
    const auto extend = [&](int nid, const std::string& value) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
        X509_add_ext(x509, extension, -1);
        X509_EXTENSION_free(extension);
    };
    std::string names;
    for (const std::string& name : recipe.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    if (!names.empty()) extend(NID_subject_alt_name, names);
    if (recipe.is_ca) extend(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(x509, issuer.key.get(), EVP_sha256());
    return made;
}

// Serves "echo" over TLS on a worker of its own; one selector that knows names.
class TlsServer final : SniSelector {
public:
    struct Seen {
        std::string error;  // of the handshake; "" when it succeeded
        TlsInfo info;       // views into `texts`
        std::vector<std::string> texts;
    };

    explicit TlsServer(conf::TlsSettings settings = {}, std::vector<std::string> protocols = {"http/1.1"}) {
        worker_.emplace(0);
        thread_ = std::thread([this] { worker_->run(); });
        run([&] {
            std::string problem;
            keys_ = store.ticket_keys("test", settings.ticket_rotation);
            context_ = TlsContext::make(settings, protocols, "test", keys_, problem);
            INFO(problem);
            REQUIRE(context_);
            context_->set_selector(this);
        });
    }
    ~TlsServer() {
        run([this] {
            const auto open = connections_;
            for (Connection* connection : open) delete connection;
            context_ = {};
        });
        worker_->post([this] { worker_->post([this] { worker_->stop(); }); });
        thread_.join();
    }

    // What is served under `name`; "" for clients that name nothing known.
    void serve(const std::string& name, CertificateSetPtr set) {
        run([&] { sets_[name] = std::move(set); });
    }
    void serve(const std::string& name, const std::vector<conf::Certificate>& files) {
        auto acquired = store.acquire(files, {name.empty() ? "fallback.test" : name});
        serve(name, acquired.set);
    }

    // Who sees hellos from now on; as long as the server.
    void watch(HelloWatcher& watcher) {
        run([&] { context_->set_watcher(watcher); });
    }

    // A connected socket whose other end is served.
    int connect() {
        const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        const int on = 1;
        ::setsockopt(listener.get(), IPPROTO_TCP, TCP_INQ, &on, sizeof on);
        REQUIRE(::listen(listener.get(), 1) == 0);
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
        const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::connect(client, reinterpret_cast<sockaddr*>(&address), size) == 0);
        const int served = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        REQUIRE(served >= 0);
        take(served);
        return client;
    }
    void take(int served) {
        run([this, served] {
            TransportPtr transport = make_tls_server_transport(UniqueFd(served), *context_);
            REQUIRE(transport);
            connections_.insert(new Connection(*this, std::move(transport)));
        });
    }

    // The outcome of the next handshake that ended; waits for it.
    Seen next_seen() {
        std::unique_lock lock(mutex_);
        REQUIRE(signal_.wait_for(lock, std::chrono::seconds(20), [this] { return !seen_.empty(); }));
        Seen first = std::move(seen_.front());
        seen_.erase(seen_.begin());
        return first;
    }

    // Runs on the worker and waits.
    void run(const std::function<void()>& task) {
        std::promise<void> done;
        worker_->post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::size_t open_connections() {
        std::size_t count = 0;
        run([&] { count = connections_.size(); });
        return count;
    }
    Worker& worker() { return *worker_; }

    CertificateStore store;
    std::vector<std::string> asked;  // names that the selector was asked for
    // Set before connecting: what the connection answers to its first bytes instead of an echo.
    std::function<void(Chain&)> answer;
    bool close_after_answer = false;

private:
    class Connection final : public TransportEvents {
    public:
        Connection(TlsServer& server, TransportPtr transport)
            : server_(server), transport_(std::move(transport)), out_(server.worker_->blocks()) {
            transport_->set_events(this);
        }
        ~Connection() { server_.connections_.erase(this); }
        void on_handshake(const Error* failure) override {
            Seen seen;
            if (failure != nullptr) {
                seen.error = failure->context;
            } else {
                const TlsInfo& info = *transport_->tls();
                for (std::string_view view :
                     {info.version, info.cipher, info.server_name, info.alpn, info.client_subject}) {
                    seen.texts.emplace_back(view);
                }
                seen.info.client_verified = info.client_verified;
                seen.info.resumed = info.resumed;
            }
            {
                const std::lock_guard lock(server_.mutex_);
                server_.seen_.push_back(std::move(seen));
            }
            server_.signal_.notify_all();
            if (failure != nullptr) {
                delete this;
                return;
            }
            transport_->has_more() ? on_readable() : transport_->want_read();
        }
        void on_readable() override {
            do {
                char bytes[8000];
                const Io io = transport_->read(bytes, sizeof bytes);
                if (io.kind == Io::Kind::Blocked) break;
                if (io.kind != Io::Kind::Done) {
                    delete this;
                    return;
                }
                if (server_.answer) {
                    server_.answer(out_);
                } else {
                    out_.append_copy({bytes, io.bytes});
                }
            } while (transport_->has_more());
            on_writable();
        }
        void on_writable() override {
            const Io io = transport_->write(out_);
            if (io.kind == Io::Kind::Blocked) REQUIRE_FALSE(out_.empty());
            if (io.kind == Io::Kind::Failed) {
                delete this;
                return;
            }
            if (io.kind == Io::Kind::Blocked) return;
            if (server_.close_after_answer) transport_->shutdown_write();
            transport_->want_read();
        }

    private:
        TlsServer& server_;
        TransportPtr transport_;
        Chain out_;
    };

    const CertificateSet* select(std::string_view name) override {
        asked.emplace_back(name);
        auto found = sets_.find(name);
        if (found == sets_.end()) found = sets_.find("");
        return found == sets_.end() ? nullptr : found->second.get();
    }

    std::optional<Worker> worker_;
    std::thread thread_;
    Ref<TlsContext> context_;
    std::shared_ptr<TicketKeys> keys_;
    std::map<std::string, CertificateSetPtr, std::less<>> sets_;
    std::set<Connection*> connections_;
    std::mutex mutex_;
    std::condition_variable signal_;
    std::vector<Seen> seen_;
};

// A client over a blocking socket.
class Client {
public:
    explicit Client(int fd, SSL_SESSION* resumed = nullptr, const std::string& name = "example.test",
                    const std::function<void(SSL_CTX*)>& prepare = {})
        : fd_(fd), context_(SSL_CTX_new(TLS_client_method())) {
        const timeval patience{20, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_app_data(context_.get(), this);
        SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* fresh) {
            static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session.reset(fresh);
            return 1;
        });
        if (prepare) prepare(context_.get());
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), fd);
        if (!name.empty()) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
        if (resumed != nullptr) SSL_set_session(ssl_.get(), resumed);
    }
    // "" or OpenSSL's reason.
    std::string shake_hands() {
        ERR_clear_error();
        if (SSL_connect(ssl_.get()) == 1) return "";
        return reason();
    }
    static std::string reason() {
        const char* text = ERR_reason_error_string(ERR_peek_last_error());
        return text != nullptr ? text : "connection ended";
    }
    bool send(const std::string& text) {
        return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
               static_cast<int>(text.size());
    }
    std::string receive(std::size_t size) {
        std::string got;
        char bytes[16384];
        while (got.size() < size) {
            const int count =
                SSL_read(ssl_.get(), bytes, static_cast<int>(std::min(sizeof bytes, size - got.size())));
            if (count <= 0) break;
            got.append(bytes, static_cast<std::size_t>(count));
        }
        return got;
    }
    std::string subject() const {
        const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
        char name[256] = "";
        if (certificate != nullptr) {
            X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
        }
        return name;
    }
    SSL* ssl() { return ssl_.get(); }
    int fd() const { return fd_.get(); }

    SessionHandle session;  // the newest that the server gave

private:
    UniqueFd fd_;
    SslContextHandle context_;
    Handle<SSL, SSL_free> ssl_;
};

// example.test, in files.
struct Site {
    Site() {
        Made made = make({});
        files.certificate_file = directory.write("site.pem", made.pem());
        files.key_file = directory.write("site.key", made.key_pem());
    }
    TempDirectory directory;
    conf::Certificate files;
};

}  // namespace tls_test
