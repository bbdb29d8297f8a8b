#include "tests/unit/net/tls_fixture.hpp"

#include <fcntl.h>

using namespace tls_test;

namespace {

int read_all(int fd, std::string& to) {
    char bytes[4096];
    ssize_t got;
    while ((got = ::read(fd, bytes, sizeof bytes)) > 0) to.append(bytes, static_cast<std::size_t>(got));
    return static_cast<int>(got);
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

}  // namespace

TEST_CASE("tls_transport: bytes come back, several times on one connection", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Client client(server.connect(), nullptr, "example.test",
                      [&](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, version); });
        REQUIRE(client.shake_hands() == "");
        CHECK(client.subject() == "example.test");
        for (const std::string text : {"one", "two", "three"}) {
            REQUIRE(client.send(text));
            CHECK(client.receive(text.size()) == text);
        }
        const TlsServer::Seen seen = server.next_seen();
        CHECK(seen.error == "");
        CHECK(seen.texts.at(0) == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
        CHECK(seen.texts.at(2) == "example.test");
    }
}

TEST_CASE("tls_transport: works over a unix socket, which never says how much is left", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
    server.take(pair[0]);
    Client client(pair[1]);
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("hello"));
    CHECK(client.receive(5) == "hello");
}

TEST_CASE("tls_transport: megabytes go through a socket that blocks on the way", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const std::string sent = pattern(6 * 1024 * 1024);
    server.answer = [&](Chain& chain) { chain.append_literal(sent); };
    Client client(server.connect());
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("go"));
    CHECK((client.receive(sent.size()) == sent));
}

TEST_CASE("tls_transport: an upload is read whole while the client writes without pause", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const std::string sent = pattern(200 * 1000);
    std::size_t answers = 0;
    server.answer = [&](Chain& chain) {
        ++answers;
        chain.append_copy("x");
    };
    Client client(server.connect());
    REQUIRE(client.shake_hands() == "");
    for (std::size_t at = 0; at < sent.size(); at += 1000) REQUIRE(client.send(sent.substr(at, 1000)));
    CHECK(client.receive(200) == std::string(200, 'x'));  // one answer to each record
}

TEST_CASE("tls_transport: memory and file ranges are sent in order", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const std::string content = pattern(100'000);
    const std::string path = site.directory.write("file", content);
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    server.answer = [&](Chain& chain) {
        chain.append_copy("head");
        chain.append_file(file.get(), 10, 70'000, {});
        chain.append_literal("middle");
        chain.append_file(file.get(), 0, 5, {});
        chain.append_literal("tail");
    };
    Client client(server.connect());
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("go"));
    const std::string expected =
        "head" + content.substr(10, 70'000) + "middle" + content.substr(0, 5) + "tail";
    CHECK((client.receive(expected.size()) == expected));
}

TEST_CASE("tls_transport: a file that became shorter breaks the connection after what was there",
          "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const std::string content = pattern(20'000);
    const std::string path = site.directory.write("file", content);
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    server.answer = [&](Chain& chain) { chain.append_file(file.get(), 0, 50'000, {}); };
    Client client(server.connect());
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("go"));
    CHECK((client.receive(50'000) == content));
    CHECK(SSL_get_error(client.ssl(), 0) != SSL_ERROR_ZERO_RETURN);
}

TEST_CASE("tls_transport: a request that comes with the end of the handshake is read at once", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const int fd = server.connect();
    Client client(fd);
    // A buffer between OpenSSL and the socket, flushed only when Finished and request are both in it.
    BIO* const outer = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(outer, 64 * 1024);
    SSL_set0_wbio(client.ssl(), BIO_push(outer, BIO_new_socket(fd, BIO_NOCLOSE)));
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("early"));
    REQUIRE(BIO_flush(SSL_get_wbio(client.ssl())) == 1);
    CHECK(client.receive(5) == "early");
    CHECK(client.session != nullptr);  // the ticket came along
}

TEST_CASE("tls_transport: plain HTTP is answered with a sentence", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    for (const std::string request : {"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n", "POST"}) {
        const UniqueFd client(server.connect());
        REQUIRE(::write(client.get(), request.data(), request.size()) ==
                static_cast<ssize_t>(request.size()));
        std::string answer;
        CHECK(read_all(client.get(), answer) == 0);
        CHECK(answer.substr(0, 26) == "HTTP/1.1 400 Bad Request\r\n");
        CHECK(answer.find("https://") != std::string::npos);
        ::shutdown(client.get(), SHUT_WR);
        CHECK(server.next_seen().error == "plain HTTP on a port that speaks TLS");
    }
    CHECK(server.open_connections() == 0);
}

TEST_CASE("tls_transport: the answer to plain HTTP survives a body that is still coming", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const UniqueFd client(server.connect());
    const std::string request =
        "POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x');
    REQUIRE(::write(client.get(), request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    std::string answer;
    CHECK(read_all(client.get(), answer) == 0);  // no reset
    CHECK(answer.substr(0, 12) == "HTTP/1.1 400");
}

TEST_CASE("tls_transport: what is neither TLS nor HTTP is closed in order", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const UniqueFd client(server.connect());
    REQUIRE(::write(client.get(), "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x10\x11", 11) == 11);
    std::string answer;
    CHECK(read_all(client.get(), answer) == 0);
    CHECK(server.next_seen().error == "wrong version number");
}

TEST_CASE("tls_transport: a client that leaves during the handshake is reported", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    {
        const UniqueFd client(server.connect());
    }
    CHECK(server.next_seen().error == "before the TLS handshake");
    {
        const UniqueFd client(server.connect());
        REQUIRE(::write(client.get(), "\x16\x03\x01", 3) == 3);
    }
    CHECK(server.next_seen().error == "during the TLS handshake");
}

TEST_CASE("tls_transport: a connection that ends without close_notify is told from one that ends in order",
          "[net][tls]") {
    Site site;
    // Read by hand: the transport's own words matter here.
    struct Reader final : TransportEvents {
        TransportPtr transport;
        std::promise<Io> end;
        void on_handshake(const Error*) override { transport->want_read(); }
        void on_readable() override {
            char bytes[100];
            const Io io = transport->read(bytes, sizeof bytes);
            if (io.kind == Io::Kind::Blocked) return transport->want_read();
            transport.reset();
            end.set_value(io);
        }
        void on_writable() override {}
    };
    TlsServer server;
    auto acquired = server.store.acquire({site.files}, {"example.test"});
    struct Selector final : SniSelector {
        const CertificateSet* set = nullptr;
        const CertificateSet* select(std::string_view) override { return set; }
    } selector;
    selector.set = acquired.set.get();
    for (const bool in_order : {true, false}) {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
        Reader reader;
        Ref<TlsContext> context;
        server.run([&] {
            std::string problem;
            context =
                TlsContext::make({}, {}, "x", server.store.ticket_keys("x", std::chrono::hours(1)), problem);
            context->set_selector(&selector);
            reader.transport = make_tls_server_transport(UniqueFd(pair[0]), *context);
            reader.transport->set_events(&reader);
        });
        {
            // With TLS 1.2 nothing is left unread on the client's side, which would turn its close into a
            // reset.
            Client client(pair[1], nullptr, "example.test",
                          [](SSL_CTX* to) { SSL_CTX_set_max_proto_version(to, TLS1_2_VERSION); });
            REQUIRE(client.shake_hands() == "");
            if (in_order) SSL_shutdown(client.ssl());
        }
        const Io io = reader.end.get_future().get();
        CHECK(io.kind == (in_order ? Io::Kind::Closed : Io::Kind::Failed));
        if (!in_order) CHECK(io.error.code == Code::Closed);
        server.run([&] { context = {}; });
    }
}

TEST_CASE("tls_transport: shutdown_write sends close_notify and FIN behind the answer", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    const std::string sent = pattern(3 * 1024 * 1024);
    server.answer = [&](Chain& chain) { chain.append_literal(sent); };
    server.close_after_answer = true;
    Client client(server.connect());
    REQUIRE(client.shake_hands() == "");
    REQUIRE(client.send("go"));
    CHECK((client.receive(sent.size()) == sent));
    char byte;
    const int end = SSL_read(client.ssl(), &byte, 1);
    CHECK(SSL_get_error(client.ssl(), end) == SSL_ERROR_ZERO_RETURN);
    CHECK(::read(client.fd(), &byte, 1) == 0);
}

TEST_CASE("tls_transport: many connections at once share the thread's buffers without mixing bytes",
          "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    std::vector<std::thread> clients;
    std::atomic<int> good{0};
    std::vector<int> sockets;
    for (int i = 0; i < 8; ++i) sockets.push_back(server.connect());
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&, i] {
            Client client(sockets[static_cast<std::size_t>(i)]);
            if (client.shake_hands() != "") return;
            const std::string text = std::string(1, static_cast<char>('a' + i)) +
                                     pattern(30'000 + static_cast<std::size_t>(i) * 777);
            for (int round = 0; round < 10; ++round) {
                if (!client.send(text) || client.receive(text.size()) != text) return;
            }
            ++good;
        });
    }
    for (std::thread& client : clients) client.join();
    CHECK(good == 8);
}

TEST_CASE("tls_transport: renegotiation is refused and the connection lives on", "[net][tls]") {
    Site site;
    TlsServer server;
    server.serve("", {site.files});
    Client client(server.connect(), nullptr, "example.test",
                  [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
    REQUIRE(client.shake_hands() == "");
    SSL_renegotiate(client.ssl());
    CHECK(SSL_do_handshake(client.ssl()) != 1);
}
