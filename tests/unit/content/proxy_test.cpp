// Requests through the proxy, over real sockets on both sides.
#include "tests/unit/content/proxy_support.hpp"

#include <future>

using namespace gantry;
using namespace gantry::test;
using std::chrono::seconds;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

Origin::Script say(std::string text) {
    return [text = std::move(text)](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) socket.send(text);
    };
}

}  // namespace

TEST_CASE("proxy: many requests of one client share one connection to the peer", "[content][proxy]") {
    Origin origin(say(answer_with("hello")));
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    for (int i = 0; i < 20; ++i) CHECK(client.ask(kGet).body == "hello");
    CHECK(origin.connections() == 1);
}

TEST_CASE("proxy: pipelined requests are answered in order", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    std::string all;
    for (int i = 0; i < 10; ++i) {
        all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: test.example\r\n\r\n";
    }
    client.send(all);
    for (int i = 0; i < 10; ++i) {
        CHECK(contains(client.read().body, "GET /" + std::to_string(i) + " HTTP/1.1\r\n"));
    }
}

TEST_CASE("proxy: bodies go up with their length or in chunks, trailers included", "[content][proxy]") {
    Origin origin(mirror_bodies);
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    Answer answer = client.ask("POST / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(contains(answer.body, "\r\nContent-Length: 5\r\n"));
    CHECK(contains(answer.body, "\r\n\r\nhello"));
    answer = client.ask(
        "POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n");
    CHECK(contains(answer.body, "\r\nTransfer-Encoding: chunked\r\n"));
    CHECK(contains(answer.body, "\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n"));
    answer = client.ask("POST / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 0\r\n\r\n");
    CHECK(contains(answer.body, "\r\nContent-Length: 0\r\n"));
    CHECK(origin.connections() == 1);
}

TEST_CASE("proxy: buffered requests reach the peer whole, with their length", "[content][proxy]") {
    Origin origin(mirror_bodies);
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.buffer_requests = true;
    server.set_options(options);
    server.apply();
    Client client(server);
    client.send("POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    // The origin hears nothing of it yet: another client's request is the first that it gets.
    Client other(server);
    CHECK(other.ask(kGet).status == 200);
    CHECK(origin.connections() == 1);
    client.send("3\r\ndef\r\n0\r\n\r\n");
    const Answer answer = client.read();
    CHECK(contains(answer.body, "\r\nContent-Length: 6\r\n"));
    CHECK(contains(answer.body, "\r\n\r\nabcdef"));
}

TEST_CASE("proxy: a buffered body larger than the buffer is streamed from there on", "[content][proxy]") {
    const std::string body = noise(5'000'000);
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer_with(socket.read_body(body.size()) == body ? "same" : "different"));
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.buffer_requests = true;
    server.set_options(options);
    server.apply();
    Client client(server);
    CHECK(client.ask("PUT / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 5000000\r\n\r\n" + body).body ==
          "same");
}

TEST_CASE("proxy: a buffered request is sent again when its kept connection died", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int number) {
        socket.read_head();
        socket.send(answer_with("first"));
        if (!socket.read_head().empty()) socket.reset_on_close();
        if (number == 2) socket.send(answer_with("never"));
    });
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.buffer_requests = true;
    server.set_options(options);
    server.apply();
    Client client(server);
    const std::string put = "PUT / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 2\r\n\r\nhi";
    // mirror: the body is read as the next head by this origin, so the connection ends there.
    CHECK(client.ask(kGet).body == "first");
    CHECK(client.ask(put).status == 200);
    CHECK(origin.connections() == 2);
}

TEST_CASE("proxy: chunks and bodies without length come in chunks, with trailers", "[content][proxy]") {
    Origin chunked(
        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"));
    ProxyServer server({chunked.port()});
    server.apply();
    Client client(server);
    Answer answer = client.ask(kGet);
    CHECK(answer.complete);
    CHECK(answer.body == "hello");
    CHECK(answer.trailers == "X-Sum: 1\r\n");
    CHECK(client.ask(kGet).body == "hello");

    Origin open([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\n\r\nuntil close");
    });
    ProxyServer second({open.port()});
    second.apply();
    Client other(second);
    answer = other.ask(kGet);
    CHECK(answer.complete);
    CHECK(answer.field("Transfer-Encoding") == "chunked");
    CHECK(answer.body == "until close");
    CHECK(other.ask(kGet).body == "until close");
}

TEST_CASE("proxy: a client that speaks HTTP/1.0 gets no chunks, but a close", "[content][proxy]") {
    Origin origin(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    const Answer answer =
        client.ask("GET / HTTP/1.0\r\nHost: test.example\r\nConnection: keep-alive\r\n\r\n");
    CHECK(answer.field("Transfer-Encoding").empty());
    CHECK(answer.field("Connection") == "close");
    CHECK(answer.body == "hello");
    CHECK(client.socket().is_at_end());
}

TEST_CASE("proxy: no peer is 502, a name without address 503", "[content][proxy]") {
    ProxyServer refused({refusing_port()});
    refused.apply();
    Client client(refused);
    Answer answer = client.ask(kGet);
    CHECK(answer.status == 502);
    CHECK(answer.complete);
    // The client's connection is not to blame.
    CHECK(client.ask(kGet).status == 502);

    ProxyServer nameless({80});
    nameless.settings.upstreams[0].peers[0].host = "name.invalid";
    nameless.apply();
    Client other(nameless);
    CHECK(other.ask(kGet).status == 503);
}

TEST_CASE("proxy: an answer that is not HTTP, or none, is 502", "[content][proxy]") {
    const std::string text = GENERATE("nonsense\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Le");
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    CHECK(client.ask(kGet).status == 502);
}

TEST_CASE("proxy: silence of the peer is 504", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    server.settings.upstreams[0].response_timeout = std::chrono::milliseconds(100);
    server.apply();
    Client client(server);
    CHECK(client.ask(kGet).status == 504);
}

TEST_CASE("proxy: the timeout of the location holds for the whole exchange", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.timeout = std::chrono::milliseconds(100);
    server.set_options(options);
    server.apply();
    Client client(server);
    CHECK(client.ask(kGet).status == 504);
}

TEST_CASE("proxy: a response that is cut off is not taken for a whole one", "[content][proxy]") {
    const std::string text = GENERATE("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    const Answer answer = client.ask(kGet);
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.complete);
    CHECK(client.socket().is_at_end());
}

TEST_CASE("proxy: early hints arrive before the answer", "[content][proxy]") {
    Origin origin(
        say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: close\r\n\r\n" + answer_with("x")));
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    const Answer hints = client.ask(kGet);
    CHECK(hints.status == 103);
    CHECK(hints.field("Link") == "</a.css>");
    CHECK(hints.field("Connection").empty());
    CHECK(client.read().body == "x");
}

TEST_CASE("proxy: events of a stream arrive one by one", "[content][proxy]") {
    std::promise<void> arrived[3];
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        for (int i = 0; i < 3; ++i) {
            socket.send("data: " + std::to_string(i) + "\n\n");
            // The next one only after the client has this one.
            if (arrived[i].get_future().wait_for(seconds(20)) != std::future_status::ready) return;
        }
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    client.send(kGet);
    CHECK(contains(client.socket().read_head(), "200 OK"));
    for (int i = 0; i < 3; ++i) {
        CHECK(contains(client.socket().read_until("\n\n"), "data: " + std::to_string(i)));
        arrived[i].set_value();
    }
    CHECK(contains(client.socket().read_until("0\r\n\r\n"), "0\r\n\r\n"));
}

TEST_CASE("proxy: large bodies go both ways whole", "[content][proxy]") {
    const std::string body = noise(20'000'000);
    Origin origin([&](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) socket.send(answer_with(socket.read_body(body.size())));
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    std::thread sender([&] {
        client.send("PUT / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 20000000\r\n\r\n");
        client.send(body);
    });
    const Answer answer = client.read();
    sender.join();
    CHECK(answer.complete);
    CHECK((answer.body == body));
}

TEST_CASE("proxy: a client that does not read stops the peer, and gets everything later",
          "[content][proxy]") {
    const std::string body = noise(64'000'000);
    std::atomic<std::size_t> sent{0};
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
        for (std::size_t at = 0; at < body.size(); at += 100'000) {
            if (!socket.send(std::string_view(body).substr(at, 100'000))) return;
            sent += 100'000;
        }
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    client.send(kGet);
    // Until nothing moves any more.
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    for (std::size_t before = 1; before != sent || before == 0;) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        before = sent;
        ::poll(nullptr, 0, 200);
    }
    // What the kernel holds on four sockets, and a little of ours.
    CHECK(sent < 40'000'000);
    const Answer answer = client.read();
    CHECK(answer.complete);
    CHECK((answer.body == body));
}

TEST_CASE("proxy: a peer that does not read stops the client", "[content][proxy]") {
    std::promise<void> read_on;
    auto may_read = read_on.get_future().share();
    const std::string body = noise(64'000'000);
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        may_read.wait();
        socket.send(answer_with(socket.read_body(body.size()) == body ? "same" : "different"));
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    std::atomic<std::size_t> sent{0};
    std::thread sender([&] {
        client.send("PUT / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 64000000\r\n\r\n");
        for (std::size_t at = 0; at < body.size(); at += 100'000) {
            if (!client.send(std::string_view(body).substr(at, 100'000))) return;
            sent += 100'000;
        }
    });
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    for (std::size_t before = 1; before != sent || before == 0;) {
        if (std::chrono::steady_clock::now() > end) break;
        before = sent;
        ::poll(nullptr, 0, 200);
    }
    CHECK(sent < 40'000'000);
    read_on.set_value();
    CHECK(client.read().body == "same");
    sender.join();
}

TEST_CASE("proxy: an answer may come before the request is through", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    client.send("POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    const Answer answer = client.read();
    CHECK(answer.status == 401);
    CHECK(answer.body == "no");
    CHECK(answer.field("Connection") == "close");
}

TEST_CASE("proxy: the head goes up though nothing of the body came yet", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string body = socket.read_body(4);
        socket.send("4\r\n" + body + "\r\n0\r\n\r\n");
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    client.send("POST / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 4\r\n\r\n");
    CHECK(contains(client.socket().read_head(), "200 OK"));
    client.send("body");
    CHECK(contains(client.socket().read_until("0\r\n\r\n"), "body"));
}

TEST_CASE("proxy: too large a body is refused, known or found out", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    server.settings.hosts[0].max_body = 10;
    server.apply();
    Client client(server);
    CHECK(client.ask("POST / HTTP/1.1\r\nHost: test.example\r\nContent-Length: 11\r\n\r\n").status == 413);
    CHECK(origin.connections() == 0);
    Client other(server);
    CHECK(other
              .ask("POST / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "14\r\n01234567890123456789\r\n")
              .status == 413);
}

TEST_CASE("proxy: when the client leaves, the peer's connection ends at once", "[content][proxy]") {
    std::promise<bool> ended;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\n\r\nx");
        ended.set_value(socket.is_at_end());
    });
    ProxyServer server({origin.port()});
    server.apply();
    {
        Client client(server);
        client.send(kGet);
        CHECK(contains(client.socket().read_until("x\r\n"), "200 OK"));
    }
    auto end = ended.get_future();
    REQUIRE(end.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(end.get());
}

TEST_CASE("proxy: an upgrade makes a tunnel, bytes at once and both ways", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        const std::string head = socket.read_head();
        CHECK(contains(head, "\r\nUpgrade: websocket\r\n"));
        CHECK(contains(head, "\r\nConnection: upgrade\r\n"));
        CHECK(contains(head, "\r\nSec-WebSocket-Key: abc\r\n"));
        socket.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: xyz\r\n\r\nwelcome\n");
        for (std::string line; !(line = socket.read_until("\n")).empty();) socket.send("echo " + line);
        socket.send("bye\n");
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    const Answer answer = client.ask(
        "GET /chat HTTP/1.1\r\nHost: test.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
        "websocket\r\n"
        "Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n");
    CHECK(answer.status == 101);
    CHECK(answer.field("Upgrade") == "websocket");
    CHECK(equals_ignore_case(answer.field("Connection"), "upgrade"));
    CHECK(answer.field("Sec-WebSocket-Accept") == "xyz");
    CHECK(answer.field("Content-Length").empty());
    CHECK(answer.field("Transfer-Encoding").empty());
    CHECK(client.socket().read_until("\n") == "welcome\n");
    for (int i = 0; i < 5; ++i) {
        client.send("line " + std::to_string(i) + "\n");
        CHECK(client.socket().read_until("\n") == "echo line " + std::to_string(i) + "\n");
    }
    // Our half ends; the peer still speaks, then ends its own.
    client.socket().end_writing();
    CHECK(client.socket().read_until("\n") == "bye\n");
    CHECK(client.socket().is_at_end());
}

TEST_CASE("proxy: a tunnel goes on in one direction when the peer has ended the other", "[content][proxy]") {
    std::promise<std::string> heard;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nall\n");
        socket.end_writing();
        std::string got = socket.read_until("\n");
        got += socket.read_until("\n");
        heard.set_value(got + (socket.is_at_end() ? "." : "?"));
    });
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    CHECK(client.socket().read_until("\n") == "all\n");
    CHECK(client.socket().is_at_end());
    CHECK(client.send("one\n"));
    CHECK(client.send("two\n"));
    client.socket().end_writing();
    auto text = heard.get_future();
    REQUIRE(text.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(text.get() == "one\ntwo\n.");
}

TEST_CASE("proxy: an upgrade that the peer declines is an ordinary answer", "[content][proxy]") {
    Origin origin(say(answer_with("no")));
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    const std::string_view request =
        "GET / HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    CHECK(client.ask(request).body == "no");
    CHECK(client.ask(request).body == "no");
    CHECK(origin.connections() == 1);
}

TEST_CASE("proxy: h2c and, where it is off, every upgrade is not asked for", "[content][proxy]") {
    Origin origin(mirror_heads);
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    Answer answer = client.ask(
        "GET / HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABk\r\n\r\n");
    CHECK_FALSE(contains(answer.body, "Upgrade"));
    CHECK_FALSE(contains(answer.body, "HTTP2-Settings"));

    conf::ProxyOptions options;
    options.upgrade = false;
    server.set_options(options);
    server.apply();
    answer = client.ask(
        "GET / HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    CHECK_FALSE(contains(answer.body, "Upgrade"));
}

TEST_CASE("proxy: a silent tunnel ends after tunnel_timeout", "[content][proxy]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        socket.is_at_end();
    });
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.tunnel_timeout = std::chrono::milliseconds(100);
    server.set_options(options);
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    CHECK(client.socket().is_at_end());
}

TEST_CASE("proxy: a tunnel that is silent in its only direction ends, too", "[content][proxy]") {
    std::promise<bool> ended;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        socket.end_writing();
        ended.set_value(socket.is_at_end());
    });
    ProxyServer server({origin.port()});
    conf::ProxyOptions options;
    options.tunnel_timeout = std::chrono::milliseconds(100);
    server.set_options(options);
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    CHECK(client.socket().is_at_end());
    auto end = ended.get_future();
    REQUIRE(end.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(end.get());
}

TEST_CASE("proxy: a tunnel that the peer has half-closed ends after send_timeout", "[content][proxy]") {
    std::promise<bool> ended;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nall\n");
        socket.end_writing();
        ended.set_value(socket.is_at_end());
    });
    ProxyServer server({origin.port()});
    server.settings.upstreams[0].send_timeout = std::chrono::milliseconds(100);
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    CHECK(client.socket().read_until("\n") == "all\n");
    CHECK(client.socket().is_at_end());  // and says nothing
    auto end = ended.get_future();
    REQUIRE(end.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(end.get());
}

TEST_CASE("proxy: a tunnel that the client has half-closed ends after response_timeout", "[content][proxy]") {
    std::promise<void> over;
    Origin origin([is_over = over.get_future().share()](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        CHECK(socket.is_at_end());
        socket.send("last\n");
        CHECK(is_over.wait_for(seconds(20)) == std::future_status::ready);
    });
    ProxyServer server({origin.port()});
    server.settings.upstreams[0].response_timeout = std::chrono::milliseconds(100);
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    client.socket().end_writing();
    CHECK(client.socket().read_until("\n") == "last\n");
    CHECK(client.socket().is_at_end());
    over.set_value();
}

TEST_CASE("proxy: an open tunnel may be silent for longer than an exchange", "[content][proxy]") {
    Origin origin([&](OriginSocket& socket, int number) {
        socket.read_head();
        if (number > 1) {
            CHECK(socket.is_at_end());  // too late for an answer
            return;
        }
        socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        for (std::string line; !(line = socket.read_until("\n")).empty();) socket.send(line);
    });
    ProxyServer server({origin.port()});
    server.settings.upstreams[0].send_timeout = std::chrono::milliseconds(50);
    server.settings.upstreams[0].response_timeout = std::chrono::milliseconds(50);
    server.apply();
    Client client(server);
    CHECK(client.ask("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
              .status == 101);
    client.send("one\n");
    CHECK(client.socket().read_until("\n") == "one\n");
    // Another exchange finds the time over, which began later: the tunnel beside it lives.
    Client late(server);
    CHECK(late.ask(kGet).status == 504);
    client.send("two\n");
    CHECK(client.socket().read_until("\n") == "two\n");
}

TEST_CASE("proxy: connections on both sides live through a reload", "[content][proxy]") {
    Origin origin(say(answer_with("same")));
    ProxyServer server({origin.port()});
    server.apply();
    Client client(server);
    for (int i = 0; i < 5; ++i) {
        CHECK(client.ask(kGet).body == "same");
        server.settings.upstreams[0].response_timeout += seconds(1);
        server.apply();
    }
    CHECK(origin.connections() == 1);
}

TEST_CASE("proxy: what is under way ends with the server", "[content][proxy]") {
    std::promise<bool> ended;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        ended.set_value(socket.is_at_end());
    });
    std::unique_ptr<Client> client;
    {
        ProxyServer server({origin.port()});
        server.apply();
        client = std::make_unique<Client>(server);
        client->send(kGet);
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while (origin.connections() == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    }
    auto end = ended.get_future();
    REQUIRE(end.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(end.get());
    CHECK(client->socket().is_at_end());
}

TEST_CASE("server: one that was not drained ends where it was listening and waiting", "[content][server]") {
    Origin origin(say(answer_with("hello")));
    ProxyServer server({origin.port()});
    server.settings.server.workers = 2;
    server.apply();
    Client client(server);
    CHECK(client.ask(kGet).body == "hello");
    server.stop(ProxyServer::End::AtOnce);
    CHECK(client.socket().is_at_end());
    const UniqueFd late(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(server.port());
    CHECK(::connect(late.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0);
}
