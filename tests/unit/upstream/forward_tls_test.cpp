// Requests to peers that speak TLS.
#include "tests/unit/net/tls_fixture.hpp"
#include "tests/unit/upstream/forward_support.hpp"

#include <fcntl.h>

using namespace gantry;
using namespace gantry::test;

namespace {

// Gives the connections of an origin to a server that speaks TLS and echoes: what is sent as a "request"
// below is the response that is wanted.
Origin::Script speak_tls(tls_test::TlsServer& server) {
    return [&server](OriginSocket& socket, int) {
        const int fd = ::fcntl(socket.fd(), F_DUPFD_CLOEXEC, 0);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        server.take(fd);
    };
}

conf::Upstream with_tls(std::uint16_t port, std::string ca_file, std::string server_name) {
    conf::Upstream settings = upstream_of({port});
    settings.tls.emplace();
    settings.tls->ca_file = std::move(ca_file);
    settings.tls->server_name = std::move(server_name);
    return settings;
}

}  // namespace

TEST_CASE("forward: a peer with TLS is verified, and its connection kept", "[upstream][tls]") {
    tls_test::Site site;
    tls_test::TlsServer server;
    server.serve("", {site.files});
    Origin origin(speak_tls(server));
    Bench bench(with_tls(origin.port(), site.files.certificate_file, "example.test"));
    for (int i = 0; i < 3; ++i) {
        Request request;
        request.options.head = answer("over tls " + std::to_string(i));
        bench.perform(request);
        INFO(describe(request.error));
        CHECK(request.done);
        CHECK(request.body == "over tls " + std::to_string(i));
        CHECK(request.reused == (i > 0));
    }
    CHECK(origin.connections() == 1);
    CHECK(bench.idle() == 1);
}

TEST_CASE("forward: large bodies go through TLS whole", "[upstream][tls]") {
    tls_test::Site site;
    tls_test::TlsServer server;
    server.serve("", {site.files});
    Origin origin(speak_tls(server));
    Bench bench(with_tls(origin.port(), site.files.certificate_file, "example.test"));
    const std::string sent = pattern(4'000'000);
    Request request;
    request.options.head = "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n";
    request.options.method = http::Method::Put;
    request.options.body_kind = http::BodyKind::Length;
    request.options.body = {sent};
    bench.perform(request);
    CHECK(request.done);
    CHECK((request.body == sent));
}

TEST_CASE("forward: a certificate for another name, or of nobody we know, is a 502", "[upstream][tls]") {
    tls_test::Site site;
    tls_test::TlsServer server;
    server.serve("", {site.files});
    Origin origin(speak_tls(server));
    const bool known = GENERATE(true, false);
    Bench bench(with_tls(origin.port(), known ? site.files.certificate_file : std::string(),
                         known ? "other.test" : "example.test"));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::Tls);
    CHECK(request.error.side == Side::Upstream);
    CHECK(status_of(request.error) == 502);
}

TEST_CASE("forward: a CA file that cannot be read makes the peer unavailable", "[upstream][tls]") {
    Origin origin(count_requests);
    Bench bench(with_tls(origin.port(), "/nonexistent/ca.pem", ""));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(status_of(request.error) == 503);
    CHECK(origin.connections() == 0);
}

TEST_CASE("forward: a peer that does not answer the handshake runs into connect_timeout", "[upstream][tls]") {
    Origin origin([](OriginSocket& socket, int) {
        while (!socket.is_at_end()) socket.read_until("\n");
    });
    conf::Upstream settings = with_tls(origin.port(), "", "example.test");
    settings.connect_timeout = std::chrono::milliseconds(100);
    Bench bench(settings);
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::UpstreamTimeout);
}
