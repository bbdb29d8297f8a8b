#include "tests/unit/net/tls_fixture.hpp"

#include <openssl/rand.h>

using namespace tls_test;

namespace {

conf::Certificate write_pair(const TempDirectory& directory, const std::string& name, const Made& made,
                             const std::string& more = "") {
    return {directory.write(name + ".pem", made.pem() + more),
            directory.write(name + ".key", made.key_pem()),
            "",
            {}};
}

std::function<void(SSL_CTX*)> only(int version) {
    return [version](SSL_CTX* context) {
        SSL_CTX_set_min_proto_version(context, version);
        SSL_CTX_set_max_proto_version(context, version);
    };
}

std::function<void(SSL_CTX*)> offers(const std::string& protocols) {
    return [protocols](SSL_CTX* context) {
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
    };
}

// A whole visit, so that tickets have arrived.
std::string visit(Client& client) {
    const std::string failure = client.shake_hands();
    if (failure != "") return failure;
    return client.send("x") && client.receive(1) == "x" ? "" : Client::reason();
}

// Answers hellos as the test says, and notes what it was told.
struct Watcher final : HelloWatcher {
    Answer on_hello(ClientHello& hello) override {
        ++count;
        server_name = hello.server_name;
        protocols = hello.protocols;
        client = hello.client;
        local = hello.local;
        return answer(hello);
    }
    std::function<Answer(ClientHello&)> answer = [](ClientHello&) { return Answer::GoOn; };
    int count = 0;
    std::string server_name;
    std::string protocols;
    PeerAddress client;
    PeerAddress local;
};

CertificateSetPtr set_of(const Made& made) {
    auto set = std::make_shared<CertificateSet>(std::vector<std::string>{"challenge.test"});
    set->publish(
        {read_certificate({.chain = made.pem(), .key = made.key_pem(), .ocsp = {}, .source = "challenge"})
             .certificate});
    return set;
}

constexpr const char* kAcme =
    "\x0a"
    "acme-tls/1";

}  // namespace

TEST_CASE("tls_context: the name decides the certificate, however it is written", "[net][tls]") {
    const TempDirectory directory;
    TlsServer server;
    server.serve("", {write_pair(directory, "default", make({.cn = "default"}))});
    server.serve("a.test", {write_pair(directory, "a", make({.cn = "a.test"}))});
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a.test", "a.test"},      {"A.Test", "a.test"}, {"a.test.", "a.test"},
        {"other.test", "default"}, {"", "default"},      {"127.0.0.1", "default"}};
    for (const auto& [name, subject] : cases) {
        INFO(name);
        Client client(server.connect(), nullptr, name);
        REQUIRE(client.shake_hands() == "");
        CHECK(client.subject() == subject);
    }
    server.run([&] {
        CHECK(server.asked == std::vector<std::string>{"a.test", "a.test", "a.test", "other.test", "", ""});
    });
}

TEST_CASE("tls_context: a name that nobody serves gets the alert for it", "[net][tls]") {
    const TempDirectory directory;
    TlsServer server;
    server.serve("a.test", {write_pair(directory, "a", make({}))});
    Client client(server.connect(), nullptr, "b.test");
    CHECK(client.shake_hands() == "tlsv1 unrecognized name");
    CHECK(server.next_seen().error != "");
}

TEST_CASE("tls_context: ECDSA for who can, RSA for who cannot", "[net][tls]") {
    const TempDirectory directory;
    TlsServer server;
    server.serve("", {write_pair(directory, "ec", make({.cn = "ec"})),
                      write_pair(directory, "rsa", make({.cn = "rsa", .kind = KeyKind::Rsa}))});
    Client modern(server.connect());
    REQUIRE(modern.shake_hands() == "");
    CHECK(modern.subject() == "ec");
    Client old(server.connect(), nullptr, "example.test", [](SSL_CTX* context) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context, "ECDHE-RSA-AES128-GCM-SHA256");
    });
    REQUIRE(old.shake_hands() == "");
    CHECK(old.subject() == "rsa");
}

TEST_CASE("tls_context: issuers are sent along", "[net][tls]") {
    const TempDirectory directory;
    const Made root = make({.cn = "root", .names = {}, .is_ca = true});
    const Made middle = make({.cn = "middle", .names = {}, .issuer = &root, .is_ca = true});
    const Made leaf = make({.issuer = &middle});
    TlsServer server;
    server.serve("", {write_pair(directory, "leaf", leaf, middle.pem())});
    Client client(server.connect(), nullptr, "example.test", [&](SSL_CTX* context) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.certificate.get());
    });
    CHECK(client.shake_hands() == "");
}

TEST_CASE("tls_context: ALPN agrees, is optional, and ends the handshake without overlap", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    Client good(server.connect(), nullptr, "example.test", offers("\x02h2\x08http/1.1"));
    REQUIRE(good.shake_hands() == "");
    CHECK(server.next_seen().texts.at(3) == "http/1.1");
    Client silent(server.connect());
    REQUIRE(silent.shake_hands() == "");
    CHECK(server.next_seen().texts.at(3) == "");
    Client foreign(server.connect(), nullptr, "example.test", offers("\x04smtp"));
    CHECK(foreign.shake_hands() == "tlsv1 alert no application protocol");
}

TEST_CASE("tls_context: versions and ciphers below the minimum are refused", "[net][tls]") {
    Site site;
    {
        TlsServer server;
        server.serve("", {site.files});
        Client old(server.connect(), nullptr, "example.test", [](SSL_CTX* context) {
            SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0");
            SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
            SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
        });
        CHECK(old.shake_hands() == "tlsv1 alert protocol version");
        Client weak(server.connect(), nullptr, "example.test", [](SSL_CTX* context) {
            SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
            SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-SHA256");
        });
        const std::string refusal = weak.shake_hands();
        INFO(refusal);  // "sslv3 alert ..." in OpenSSL 3.0, "ssl/tls alert ..." in 3.5
        CHECK(refusal.ends_with(" alert handshake failure"));
    }
    conf::TlsSettings settings;
    settings.min_version = conf::TlsSettings::Version::Tls13;
    TlsServer server(settings);
    server.serve("", {site.files});
    Client client(server.connect(), nullptr, "example.test", only(TLS1_2_VERSION));
    CHECK(client.shake_hands() == "tlsv1 alert protocol version");
}

TEST_CASE("tls_context: settings that OpenSSL cannot use are named", "[net][tls]") {
    conf::TlsSettings settings;
    CHECK(TlsContext::check(settings) == "");
    settings.ciphers = "NOT-A-CIPHER";
    CHECK_THAT(TlsContext::check(settings),
               Catch::Matchers::StartsWith("no cipher of \"NOT-A-CIPHER\" can be used"));
    settings.ciphers.clear();
    settings.groups = "X25519:nonsense";
    CHECK_THAT(TlsContext::check(settings), Catch::Matchers::StartsWith("the groups \"X25519:nonsense\""));
    settings.groups.clear();
    settings.client.mode = conf::ClientCertificates::Mode::Required;
    settings.client.ca_file = "/nonexistent/ca.pem";
    CHECK_THAT(TlsContext::check(settings),
               Catch::Matchers::StartsWith("cannot use the CA file /nonexistent/ca.pem"));
}

TEST_CASE("tls_context: sessions are resumed by ticket, and each visit brings the next one", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        INFO(version);
        Client first(server.connect(), nullptr, "example.test", only(version));
        REQUIRE(visit(first) == "");
        CHECK_FALSE(server.next_seen().info.resumed);
        REQUIRE(first.session);
        Client second(server.connect(), first.session.get(), "example.test", only(version));
        REQUIRE(visit(second) == "");
        CHECK(SSL_session_reused(second.ssl()) == 1);
        CHECK(server.next_seen().info.resumed);
        if (version == TLS1_3_VERSION) CHECK(second.session);
    }
}

TEST_CASE("tls_context: without tickets nothing is resumed", "[net][tls]") {
    Site site;
    conf::TlsSettings settings;
    settings.tickets = false;
    TlsServer server(settings);
    server.serve("", {site.files});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Client first(server.connect(), nullptr, "example.test", only(version));
        REQUIRE(visit(first) == "");
        const bool resumable = first.session && SSL_SESSION_has_ticket(first.session.get()) == 1;
        CHECK_FALSE(resumable);
    }
}

TEST_CASE("tls_context: a ticket lives two rotations of the keys and dies at the third", "[net][tls]") {
    TicketKeys keys(std::chrono::seconds(10));
    const auto first = keys.current(1'000);
    REQUIRE(first);
    CHECK(first->until == 11'000);
    CHECK(keys.current(10'999) == first);
    const auto second = keys.current(11'000);
    const auto third = keys.current(second->until);
    CHECK(second->keys[1].name == first->keys[0].name);
    CHECK(third->keys[2].name == first->keys[0].name);
    CHECK(third->keys[0].name != second->keys[0].name);
    const auto much_later = keys.current(third->until + 30'000);
    for (const auto& key : much_later->keys) {
        for (const auto& old : third->keys) CHECK(key.name != old.name);
    }
    CHECK(keys.ticket_lifetime() == std::chrono::seconds(20));
}

TEST_CASE("tls_context: the ticket of one listener is worth nothing at another", "[net][tls]") {
    Site site;
    TlsServer one;
    TlsServer other;
    one.serve("", {site.files});
    other.serve("", {site.files});
    Client first(one.connect());
    REQUIRE(visit(first) == "");
    Client second(other.connect(), first.session.get());
    REQUIRE(visit(second) == "");
    CHECK(SSL_session_reused(second.ssl()) == 0);
}

TEST_CASE("tls_context: client certificates are demanded, verified and remembered by the session",
          "[net][tls]") {
    Site site;
    const Made ca = make({.cn = "clients", .names = {}, .is_ca = true});
    const Made alice = make({.cn = "alice", .names = {}, .issuer = &ca});
    const Made mallory = make({.cn = "mallory", .names = {}});
    conf::TlsSettings settings;
    settings.client.mode = conf::ClientCertificates::Mode::Required;
    settings.client.ca_file = site.directory.write("ca.pem", ca.pem());
    const auto with = [](const Made& who, int version) {
        return [&who, version](SSL_CTX* context) {
            SSL_CTX_set_max_proto_version(context, version);
            SSL_CTX_use_certificate(context, who.certificate.get());
            SSL_CTX_use_PrivateKey(context, who.key.get());
        };
    };
    TlsServer server(settings);
    server.serve("", {site.files});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        INFO(version);
        Client good(server.connect(), nullptr, "example.test", with(alice, version));
        REQUIRE(visit(good) == "");
        TlsServer::Seen seen = server.next_seen();
        CHECK(seen.info.client_verified);
        CHECK(seen.texts.at(4) == "CN=alice");
        Client again(server.connect(), good.session.get(), "example.test", with(alice, version));
        REQUIRE(visit(again) == "");
        seen = server.next_seen();
        CHECK(seen.info.resumed);
        CHECK(seen.info.client_verified);
        CHECK(seen.texts.at(4) == "CN=alice");

        Client nobody(server.connect(), nullptr, "example.test", only(version));
        CHECK(visit(nobody) != "");
        CHECK(server.next_seen().error == "peer did not return a certificate");
        Client stranger(server.connect(), nullptr, "example.test", with(mallory, version));
        CHECK(visit(stranger) != "");
        CHECK(server.next_seen().error == "self-signed certificate");
    }
}

TEST_CASE("tls_context: an optional client certificate may be missing but not wrong", "[net][tls]") {
    Site site;
    const Made ca = make({.cn = "clients", .names = {}, .is_ca = true});
    const Made mallory = make({.cn = "mallory", .names = {}});
    conf::TlsSettings settings;
    settings.client.mode = conf::ClientCertificates::Mode::Optional;
    settings.client.ca_file = site.directory.write("ca.pem", ca.pem());
    TlsServer server(settings);
    server.serve("", {site.files});
    Client nobody(server.connect());
    REQUIRE(visit(nobody) == "");
    const TlsServer::Seen seen = server.next_seen();
    CHECK_FALSE(seen.info.client_verified);
    CHECK(seen.texts.at(4) == "");
    Client stranger(server.connect(), nullptr, "example.test", [&](SSL_CTX* context) {
        SSL_CTX_use_certificate(context, mallory.certificate.get());
        SSL_CTX_use_PrivateKey(context, mallory.key.get());
    });
    CHECK(visit(stranger) != "");
    CHECK(server.next_seen().error == "self-signed certificate");
}

TEST_CASE("tls_context: a host without a usable certificate is served self-signed or refused", "[net][tls]") {
    const conf::Certificate missing{"/nonexistent/site.pem", "/nonexistent/site.key", "", {}};
    {
        TlsServer server;
        server.serve("broken.test", {missing});
        server.serve("none.test", std::vector<conf::Certificate>{});
        Client broken(server.connect(), nullptr, "broken.test");
        REQUIRE(broken.shake_hands() == "");
        CHECK(broken.subject() == "broken.test");
        Client none(server.connect(), nullptr, "none.test");
        REQUIRE(none.shake_hands() == "");
        CHECK(none.subject() == "none.test");
    }
    conf::TlsSettings settings;
    settings.fallback = conf::TlsSettings::Fallback::Reject;
    TlsServer server(settings);
    Site site;
    server.serve("", {site.files});
    server.serve("broken.test", {missing});
    Client broken(server.connect(), nullptr, "broken.test");
    CHECK(broken.shake_hands() == "tlsv1 alert internal error");
    Client fine(server.connect());
    CHECK(fine.shake_hands() == "");
}

TEST_CASE("tls_context: a replaced certificate is served from the next handshake on", "[net][tls]") {
    const TempDirectory directory;
    const conf::Certificate files = write_pair(directory, "site", make({.cn = "before"}));
    TlsServer server;
    server.serve("", {files});
    Client before(server.connect());
    REQUIRE(visit(before) == "");
    CHECK(before.subject() == "before");
    write_pair(directory, "site", make({.cn = "after"}));
    CHECK(server.store.check_files() == 1);
    Client after(server.connect());
    REQUIRE(after.shake_hands() == "");
    CHECK(after.subject() == "after");
    CHECK((before.send("still") && before.receive(5) == "still"));
}

TEST_CASE("tls_context: contexts of sets that went are dropped", "[net][tls]") {
    TlsServer server;
    for (int i = 0; i < 200; ++i) {
        server.serve("", server.store.acquire({}, {"host" + std::to_string(i) + ".test"}).set);
        Client client(server.connect());
        REQUIRE(client.shake_hands() == "");
        CHECK(client.subject() == "host" + std::to_string(i) + ".test");
    }
}

TEST_CASE("tls_context: a watcher sees each hello once", "[net][tls]") {
    const Site site;
    TlsServer server;
    server.serve("", {site.files});
    Watcher watcher;
    server.watch(watcher);
    Client client(server.connect(), nullptr, "Example.Test.", offers("\x02h2\x08http/1.1"));
    REQUIRE(visit(client) == "");
    CHECK(watcher.count == 1);
    CHECK(watcher.server_name == "example.test");
    CHECK(watcher.protocols == "\x02h2\x08http/1.1");
    CHECK(watcher.local.family == 4);
    CHECK(watcher.local.port != 0);
    Client nameless(server.connect(), nullptr, "");
    REQUIRE(visit(nameless) == "");
    CHECK(watcher.server_name.empty());
    CHECK(watcher.protocols.empty());
    // A group that the server does not prefer costs another round, and no second question.
    Client retried(server.connect(), nullptr, "example.test",
                   [](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, "P-521:P-384"); });
    REQUIRE(visit(retried) == "");
    CHECK(watcher.count == 3);
}

TEST_CASE("tls_context: a watcher refuses with its alert", "[net][tls]") {
    const Site site;
    TlsServer server;
    server.serve("", {site.files});
    Watcher watcher;
    watcher.answer = [](ClientHello& hello) {
        if (hello.server_name == "quiet.test") hello.alert = 112;
        return HelloWatcher::Answer::Refuse;
    };
    server.watch(watcher);
    Client client(server.connect());
    CHECK(client.shake_hands() == "tlsv1 alert access denied");
    Client other(server.connect(), nullptr, "quiet.test");
    CHECK(other.shake_hands() == "tlsv1 unrecognized name");
    CHECK(server.asked.empty());
}

TEST_CASE("tls_context: a protocol of a watcher's own ends with the handshake", "[net][tls]") {
    const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    const Site site;
    const Made clients = make({.cn = "Clients", .is_ca = true});
    conf::TlsSettings settings;
    settings.client.mode = conf::ClientCertificates::Mode::Required;
    settings.client.ca_file = site.directory.write("clients.pem", clients.pem());
    TlsServer server(settings);
    server.serve("", {site.files});
    Watcher watcher;
    const CertificateSetPtr challenge = set_of(make({.cn = "challenge"}));
    watcher.answer = [&](ClientHello& hello) {
        if (!has_protocol(hello.protocols, "acme-tls/1")) return HelloWatcher::Answer::GoOn;
        hello.certificate = challenge;
        hello.protocol = "acme-tls/1";
        return HelloWatcher::Answer::GoOn;
    };
    server.watch(watcher);
    Client authority(server.connect(), nullptr, "example.test", [&](SSL_CTX* context) {
        offers(kAcme)(context);
        only(version)(context);
    });
    REQUIRE(authority.shake_hands() == "");
    CHECK(authority.subject() == "challenge");
    char byte = 0;
    CHECK(SSL_read(authority.ssl(), &byte, 1) == 0);
    CHECK(SSL_get_error(authority.ssl(), 0) == SSL_ERROR_ZERO_RETURN);  // in order
    CHECK_FALSE(authority.session);
    CHECK(server.next_seen().error.empty());
    CHECK(server.open_connections() == 0);
    Client usual(server.connect());
    CHECK(visit(usual) != "");  // it has no certificate to show
}

TEST_CASE("tls_context: a watcher may choose among the protocols of the listener", "[net][tls]") {
    const Site site;
    TlsServer server({}, {"h2", "http/1.1"});
    server.serve("", {site.files});
    Watcher watcher;
    watcher.answer = [](ClientHello& hello) {
        hello.protocol = "http/1.1";
        return HelloWatcher::Answer::GoOn;
    };
    server.watch(watcher);
    Client client(server.connect(), nullptr, "example.test", offers("\x02h2\x08http/1.1"));
    REQUIRE(visit(client) == "");
    CHECK(client.subject() == "example.test");
    CHECK(server.next_seen().texts.at(3) == "http/1.1");
}
