// What a peer sees of a request, and a client of a response.
#include "tests/unit/content/proxy_support.hpp"

using namespace gantry;
using namespace gantry::test;

namespace {

// The head that an origin got for `request`.
std::string seen(ProxyServer& server, std::string_view request) {
    Client client(server);
    const Answer answer = client.ask(request);
    CHECK(answer.status == 200);
    return answer.body;
}

Answer as_answer(std::string head) {
    Answer answer;
    answer.head = std::move(head);
    return answer;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// What a client sees when the origin says `text` (and closes).
Answer shown(std::string_view text,
             std::string_view request = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n") {
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    return client.ask(request);
}

}  // namespace

TEST_CASE("proxy_head: method, target, fields and Host arrive as they were", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    const std::string head =
        seen(server,
             "PURGE /a//b/%7Ex?q=1&r=%20 HTTP/1.1\r\nHost: TEST.example:8080\r\nAccept: */*\r\n"
             "X-Odd-Name: some; value\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n");
    CHECK(contains(head, "PURGE /a//b/%7Ex?q=1&r=%20 HTTP/1.1\r\nHost: TEST.example:8080\r\n"));
    CHECK(contains(head, "\r\nAccept: */*\r\n"));
    CHECK(contains(head, "\r\nX-Odd-Name: some; value\r\n"));
    CHECK(contains(head, "\r\nCookie: a=b\r\n"));
    CHECK(contains(head, "\r\nCookie: c=d\r\n"));
    CHECK_FALSE(contains(head, "Content-Length"));
    CHECK_FALSE(contains(head, "Transfer-Encoding"));
    CHECK_FALSE(contains(head, "Connection"));
}

TEST_CASE("proxy_head: the absolute form becomes the origin form with its own Host", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    const std::string head =
        seen(server, "GET http://test.example/x?y HTTP/1.1\r\nHost: other.example\r\n\r\n");
    CHECK(contains(head, "GET /x?y HTTP/1.1\r\nHost: test.example\r\n"));
    CHECK_FALSE(contains(head, "other.example"));
}

TEST_CASE("proxy_head: a rewritten path is what the peer is asked for", "[content][proxy]") {
    Origin origin(mirror_heads);
    const auto asked = [&](const std::string& to, const std::string& uri, std::string_view target) {
        ProxyServer server({origin.port()});
        server.settings.hosts[0].locations[0].patterns[0].text = "/app/";
        if (!to.empty()) {
            server.before_handler = [&to](server::Exchange& exchange) {
                exchange.set_path(exchange.arena().copy(to));
            };
        }
        server.proxy().uri = uri;
        server.apply();
        const std::string head =
            seen(server, "GET " + std::string(target) + " HTTP/1.1\r\nHost: test.example\r\n\r\n");
        return head.substr(0, head.find(" HTTP/1.1"));
    };
    CHECK(asked("/other/a b", "", "/app/%7Ex?q=%20") == "GET /other/a%20b?q=%20");
    CHECK(asked("/other/", "", "http://test.example/app/x") == "GET /other/");
    // Below the location its prefix is replaced as ever; elsewhere there is nothing to replace.
    CHECK(asked("/app/new", "/base/", "/app/x?q") == "GET /base/new?q");
    CHECK(asked("/o", "/base/", "/app/x?q") == "GET /o?q");
    CHECK(asked("", "", "/app/%7Ex?q=1") == "GET /app/%7Ex?q=1");
}

TEST_CASE("proxy_head: what belongs to one hop stays behind", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    const std::string head = seen(
        server,
        "GET / HTTP/1.1\r\nHost: test.example\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n"
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n"
        "Proxy: http://evil.example\r\nUpgrade: websocket\r\nTE: gzip\r\nTrailer: X\r\nX-Kept: 1\r\n\r\n");
    for (const char* name : {"X-Private", "Keep-Alive", "Proxy", "Upgrade", "TE:", "Trailer", "Connection"}) {
        CHECK_FALSE(contains(head, name));
    }
    CHECK(contains(head, "X-Kept: 1"));
}

TEST_CASE("proxy_head: Expect is answered here, and TE: trailers passed on", "[content][proxy]") {
    Origin origin(mirror_bodies);
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    client.send(
        "POST / HTTP/1.1\r\nHost: test.example\r\nExpect: 100-continue\r\nTE: trailers\r\n"
        "Content-Length: 2\r\n\r\n");
    CHECK(client.read().status == 100);
    client.send("hi");
    const Answer answer = client.read();
    CHECK_FALSE(contains(answer.body, "Expect"));
    CHECK(contains(answer.body, "TE: trailers\r\nConnection: TE\r\n\r\nhi"));
}

TEST_CASE("proxy_head: the way is told, and what a stranger claims of it is dropped", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    const Answer head = as_answer(seen(server,
                                       "GET / HTTP/1.1\r\nHost: test.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                       "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"
                                       "Forwarded: for=1.2.3.4\r\n\r\n"));
    CHECK(head.field("X-Forwarded-For") == "127.0.0.1");
    CHECK(head.field("X-Forwarded-Proto") == "http");
    CHECK(head.field("X-Forwarded-Host") == "test.example");
    CHECK(head.field("Forwarded") == "for=127.0.0.1;proto=http;host=test.example");
}

TEST_CASE("proxy_head: what a trusted proxy says is kept and continued", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.trusted = {"10.0.0.0/8", "127.0.0.0/8"};
    server.set_options(options);
    server.apply();
    const Answer head = as_answer(seen(server,
                                       "GET / HTTP/1.1\r\nHost: test.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                       "X-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: https\r\n"
                                       "X-Forwarded-Host: shop.example\r\nForwarded: for=1.2.3.4\r\n\r\n"));
    CHECK(head.field("X-Forwarded-For") == "1.2.3.4, 5.6.7.8, 127.0.0.1");
    CHECK(head.field("X-Forwarded-Proto") == "https");
    CHECK(head.field("X-Forwarded-Host") == "shop.example");
    CHECK(head.field("Forwarded") == "for=1.2.3.4, for=127.0.0.1;proto=http;host=test.example");
}

TEST_CASE("proxy_head: with forwarded = false the fields are passed on as they are", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.forwarded = false;
    server.set_options(options);
    server.apply();
    const Answer head =
        as_answer(seen(server, "GET / HTTP/1.1\r\nHost: test.example\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"));
    CHECK(head.field("X-Forwarded-For") == "1.2.3.4");
    CHECK(head.field("Forwarded").empty());
}

TEST_CASE("proxy_head: uri takes the place of the matched prefix", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.settings.hosts[0].locations[0].patterns[0].text = "/api/";
    server.proxy().uri = "/v2/";
    server.apply();
    CHECK(contains(seen(server, "GET /api/a%20b/../c%20d?x=%20 HTTP/1.1\r\nHost: test.example\r\n\r\n"),
                   "GET /v2/c%20d?x=%20 HTTP/1.1\r\n"));
    CHECK(contains(seen(server, "GET /api/a%2Fb? HTTP/1.1\r\nHost: test.example\r\n\r\n"),
                   "GET /v2/a%2Fb? HTTP/1.1\r\n"));
}

TEST_CASE("proxy_head: Host is what the configuration says", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.host = conf::Template{"${header.x-tenant}.internal", {}};
    server.set_options(options);
    server.apply();
    CHECK(contains(seen(server, "GET / HTTP/1.1\r\nHost: test.example\r\nX-Tenant: blue\r\n\r\n"),
                   "\r\nHost: blue.internal\r\n"));
}

TEST_CASE("proxy_head: a request without Host names the peer", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    CHECK(contains(seen(server, "GET / HTTP/1.0\r\n\r\n"),
                   "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(origin.port()) + "\r\n"));
}

TEST_CASE("proxy_head: without keep-alive the peer is told to close", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.settings.upstreams[0].keep_alive = 0;
    server.apply();
    CHECK(
        contains(seen(server, "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n"), "\r\nConnection: close\r\n"));
}

TEST_CASE("proxy_head: fields of the response are passed on, those of the hop are not", "[content][proxy]") {
    const Answer answer = shown(
        "HTTP/1.1 418 I'm a teapot\r\nServer: origin\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nSet-Cookie: "
        "a=b\r\n"
        "Set-Cookie: c=d\r\nConnection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\n"
        "Proxy-Authenticate: Basic\r\nContent-Length: 3\r\n\r\ntea");
    CHECK(answer.status == 418);
    CHECK(answer.body == "tea");
    CHECK(contains(answer.head, "HTTP/1.1 418 I'm a teapot\r\n"));
    CHECK(answer.field("Server") == "origin");
    CHECK(answer.field("Date") == "Mon, 01 Jan 2024 00:00:00 GMT");
    CHECK(answer.field("Set-Cookie") == "TWICE");
    CHECK(answer.field("Content-Length") == "3");
    for (const char* name : {"X-Private", "Keep-Alive", "Proxy-Authenticate", "Connection"}) {
        CHECK(answer.field(name).empty());
    }
}

TEST_CASE("proxy_head: an answer to HEAD tells what GET would", "[content][proxy]") {
    const std::string_view request = "HEAD / HTTP/1.1\r\nHost: test.example\r\n\r\n";
    CHECK(shown("HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n", request).field("Content-Length") == "123");
    const Answer chunked = shown("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", request);
    CHECK(chunked.field("Content-Length").empty());
    CHECK(chunked.field("Transfer-Encoding") == "chunked");
}

TEST_CASE("proxy_head: 204 and 304 have no body, and 204 no length", "[content][proxy]") {
    const Answer empty = shown("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n");
    CHECK(empty.status == 204);
    CHECK(empty.field("Content-Length").empty());
    const Answer same = shown("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n");
    CHECK(same.status == 304);
    CHECK(same.field("Content-Length") == "9");
    CHECK(same.field("ETag") == "\"x\"");
}
