// Every way in which a request to a peer can go wrong, over real sockets.
#include "tests/unit/upstream/forward_support.hpp"

using namespace gantry;
using namespace gantry::test;

TEST_CASE("forward: an answer before the end of the request is passed on, the connection not kept",
          "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.method = http::Method::Post;
    request.options.body_kind = http::BodyKind::Length;
    request.options.stay_open = true;
    bench.perform(request);
    CHECK(request.done);
    CHECK(request.status == 413);
    CHECK(request.body == "no");
    CHECK(bench.idle() == 0);
}

TEST_CASE("forward: an answer is read though the peer stopped taking the request and closed", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.method = http::Method::Post;
    request.options.body_kind = http::BodyKind::Length;
    request.options.body = {pattern(4'000'000)};
    bench.perform(request);
    // The kernel may have thrown the answer away with the reset; but nothing else may happen.
    if (request.done) CHECK(request.status == 413);
    if (request.failed) CHECK(request.error.code == Code::Closed);
    CHECK(bench.idle() == 0);
}

TEST_CASE("forward: a kept connection that dies under a GET is replaced", "[upstream]") {
    Origin origin([](OriginSocket& socket, int number) {
        socket.read_head();
        socket.send(answer(std::to_string(number)));
        socket.read_head();
        if (number > 1) socket.send(answer("again"));
        if (number == 1) socket.reset_on_close();
    });
    Bench bench(upstream_of({origin.port()}));
    Request first;
    bench.perform(first);
    Request second;
    bench.perform(second);
    CHECK(second.done);
    CHECK(second.body == "2");
    CHECK(second.attempts == 2);
    CHECK(origin.connections() == 2);
}

TEST_CASE("forward: a POST that a kept connection may have seen is not sent again", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer("x"));
        socket.read_head();
    });
    Bench bench(upstream_of({origin.port()}));
    Request first;
    bench.perform(first);
    Request second;
    second.options.method = http::Method::Post;
    bench.perform(second);
    CHECK(second.failed);
    CHECK(second.attempts == 1);
    CHECK(status_of(second.error) == 502);
}

TEST_CASE("forward: a new connection that dies is not tried again", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) { socket.read_head(); });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::Closed);
    CHECK(request.error.side == Side::Upstream);
    CHECK(origin.connections() == 1);
}

TEST_CASE("forward: a response that is cut off fails in the middle", "[upstream]") {
    const std::string text =
        GENERATE("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-Sum: 1\r\n");
    Origin origin(say(text));
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.status == 200);
    CHECK(request.body == "half");
    CHECK(request.error.code == Code::Closed);
}

TEST_CASE("forward: an answer that is not HTTP is refused", "[upstream]") {
    const std::string text =
        GENERATE("SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                 "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n");
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::BadResponse);
    CHECK(status_of(request.error) == 502);
}

TEST_CASE("forward: a refused connection goes on to the next peer", "[upstream]") {
    Origin origin(count_requests);
    Bench bench(upstream_of({refusing_port(), origin.port(), refusing_port()}));
    for (int i = 0; i < 6; ++i) {
        Request request;
        bench.perform(request);
        CHECK(request.done);
    }
}

TEST_CASE("forward: when every peer refuses it is a 502", "[upstream]") {
    Bench bench(upstream_of({refusing_port(), refusing_port()}));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::Connect);
    CHECK(request.error.system == ECONNREFUSED);
    CHECK(status_of(request.error) == 502);
}

TEST_CASE("forward: a peer that does not accept runs into connect_timeout", "[upstream]") {
    // A full backlog: further connections hang in the handshake.
    const UniqueFd listening(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
    REQUIRE(::listen(listening.get(), 0) == 0);
    std::vector<UniqueFd> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        ::connect(fillers.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    conf::Upstream settings = upstream_of({ntohs(address.sin_port)});
    settings.connect_timeout = std::chrono::milliseconds(100);
    Bench bench(settings);
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::UpstreamTimeout);
    CHECK(status_of(request.error) == 504);
}

TEST_CASE("forward: silence before and within the response is a timeout", "[upstream]") {
    const std::string text =
        GENERATE("", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.limits.response_timeout = 100;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::UpstreamTimeout);
    CHECK(request.error.side == Side::Upstream);
}

TEST_CASE("forward: a peer that takes nothing runs into send_timeout", "[upstream]") {
    std::promise<void> over;
    auto until_over = over.get_future().share();
    Origin origin([&](OriginSocket&, int) { until_over.wait(); });
    {
        Bench bench(upstream_of({origin.port()}));
        Request request;
        request.options.method = http::Method::Put;
        request.options.limits.send_timeout = 100;
        request.options.body_kind = http::BodyKind::Length;
        request.options.body = {pattern(16'000'000)};
        bench.perform(request);
        CHECK(request.failed);
        CHECK(request.error.code == Code::UpstreamTimeout);
    }
    over.set_value();
}

TEST_CASE("forward: the time for the whole exchange holds though bytes keep coming", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\n\r\n");
        while (socket.send("x")) std::this_thread::yield();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.timeout = 200;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.error.code == Code::UpstreamTimeout);
    CHECK(request.status == 200);
}

TEST_CASE("forward: drop closes the connection at once", "[upstream]") {
    std::promise<bool> ended;
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\n\r\nx");
        ended.set_value(socket.is_at_end());
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.start(request);
    REQUIRE(request.wait(1));
    bench.thread.run([&] { request.drop(); });
    auto end = ended.get_future();
    REQUIRE(end.wait_for(seconds(20)) == std::future_status::ready);
    CHECK(end.get());
    CHECK_FALSE(request.done);
    CHECK_FALSE(request.failed);
}

TEST_CASE("forward: a silent tunnel ends after its timeout", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.upgrade = true;
    request.options.limits.tunnel_timeout = 100;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(request.status == 101);
    CHECK(request.error.code == Code::UpstreamTimeout);
}

TEST_CASE("forward: a name without address makes its peer unavailable, not the others", "[upstream]") {
    conf::Upstream settings = upstream_of({80});
    settings.peers[0].host = "name.invalid";
    Bench bench(settings);
    bench.resolver.wait(seconds(20));
    Request request;
    bench.perform(request);
    CHECK(request.failed);
    CHECK(status_of(request.error) == 503);

    Origin origin(count_requests);
    conf::Peer good;
    good.host = "127.0.0.1";
    good.port = origin.port();
    settings.peers.push_back(good);
    bench.use(settings);
    for (int i = 0; i < 4; ++i) {
        Request other;
        bench.perform(other);
        CHECK(other.done);
    }
}
