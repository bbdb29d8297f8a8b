// Requests to peers over real sockets: reuse, streaming, back-pressure, tunnels, reloads.
#include "tests/unit/upstream/forward_support.hpp"

#include <filesystem>

using namespace gantry;
using namespace gantry::test;

TEST_CASE("forward: a second request uses the first one's connection", "[upstream]") {
    Origin origin(count_requests);
    Bench bench(upstream_of({origin.port()}));
    for (int i = 1; i <= 5; ++i) {
        Request request;
        bench.perform(request);
        CHECK(request.status == 200);
        CHECK(request.reason == "OK");
        CHECK(request.content_type == "text/plain");
        CHECK(request.body == "1." + std::to_string(i));
        CHECK(request.reused == (i > 1));
        CHECK(bench.idle() == 1);
    }
    CHECK(origin.connections() == 1);
}

TEST_CASE("forward: keep_alive bounds what is kept, 0 keeps nothing", "[upstream]") {
    Origin origin(count_requests);
    conf::Upstream settings = upstream_of({origin.port()});
    settings.keep_alive = 0;
    Bench bench(settings);
    Request one, two;
    bench.perform(one);
    bench.perform(two);
    CHECK(bench.idle() == 0);
    CHECK(origin.connections() == 2);

    settings.keep_alive = 2;
    bench.use(settings);
    std::vector<std::unique_ptr<Request>> many;
    for (int i = 0; i < 4; ++i) many.push_back(std::make_unique<Request>());
    bench.thread.run([&] {
        for (auto& request : many) request->start(*bench.pools, bench.upstream);
    });
    for (auto& request : many) REQUIRE(request->wait());
    CHECK(bench.idle() == 2);
}

TEST_CASE("forward: an idle connection that the peer closes is dropped", "[upstream]") {
    std::promise<void> close;
    auto may_close = close.get_future().share();
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer("x"));
        may_close.wait();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(bench.idle() == 1);
    close.set_value();
    CHECK(bench.wait_for_idle(0));
}

TEST_CASE("forward: an idle connection that says something is dropped", "[upstream]") {
    std::promise<void> speak;
    auto may_speak = speak.get_future().share();
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer("x"));
        may_speak.wait();
        socket.send("HTTP/1.1 200 OK\r\n");
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(bench.idle() == 1);
    speak.set_value();
    CHECK(bench.wait_for_idle(0));
}

TEST_CASE("forward: idle connections end after keep_alive_timeout", "[upstream]") {
    Origin origin(count_requests);
    conf::Upstream settings = upstream_of({origin.port()});
    settings.keep_alive_timeout = std::chrono::milliseconds(50);
    Bench bench(settings);
    Request request;
    bench.perform(request);
    CHECK(bench.wait_for_idle(0));
}

TEST_CASE("forward: the peer's own keep-alive limit is respected", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=1, max=5\r\n\r\n");
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(bench.wait_for_idle(0));
}

TEST_CASE("forward: a connection with the answer and the close in one packet is not kept", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer("bye"));
    });
    Bench bench(upstream_of({origin.port()}));
    for (int i = 0; i < 20; ++i) {
        Request request;
        bench.perform(request);
        CHECK(request.done);
        CHECK(request.body == "bye");
    }
}

TEST_CASE("forward: Connection: close, bytes behind the answer and HTTP/1.0 are not kept", "[upstream]") {
    const std::string text = GENERATE("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
                                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxGARBAGE",
                                      "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx");
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(text);
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.done);
    CHECK(request.body == "x");
    CHECK(bench.idle() == 0);
}

TEST_CASE("forward: chunks come without their framing, trailers at the end", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n,\r\n");
        socket.send("7\r\n world!\r\n0\r\nX-Sum: 42\r\n\r\n");
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.body == "hello, world!");
    CHECK(request.trailers == "X-Sum=42;");
    CHECK(bench.idle() == 1);
}

TEST_CASE("forward: a body without length ends with the connection", "[upstream]") {
    Origin origin(say("HTTP/1.1 200 OK\r\n\r\nsome bytes"));
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.done);
    CHECK(request.body == "some bytes");
    CHECK(bench.idle() == 0);
}

TEST_CASE("forward: HEAD, 204 and 304 have no body whatever the fields say", "[upstream]") {
    const int status = GENERATE(200, 204, 304);
    Origin origin([&](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) {
            socket.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 7\r\n\r\n");
        }
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    if (status == 200) request.options.method = http::Method::Head;
    bench.perform(request);
    CHECK(request.done);
    CHECK(request.body.empty());
    CHECK(bench.idle() == 1);
}

TEST_CASE("forward: 103 is passed on, 100 is not, and the final answer follows", "[upstream]") {
    Origin origin(
        say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer("x")));
    Bench bench(upstream_of({origin.port()}));
    Request request;
    bench.perform(request);
    CHECK(request.interims == "103 ");
    CHECK(request.body == "x");
}

TEST_CASE("forward: a body goes up as it is, or in chunks", "[upstream]") {
    const bool chunked = GENERATE(false, true);
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        socket.send(answer(chunked ? socket.read_until("0\r\n\r\n") : socket.read_body(6)));
        socket.is_at_end();
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.method = http::Method::Post;
    request.options.body_kind = chunked ? http::BodyKind::Chunked : http::BodyKind::Length;
    request.options.body = {"abc", "def"};
    bench.perform(request);
    CHECK(request.body == (chunked ? "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n" : "abcdef"));
    CHECK(bench.idle() == 1);
}

TEST_CASE("forward: a response head may be larger than a block, but not than its limit", "[upstream]") {
    std::string text = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 60; ++i) text += "X-" + std::to_string(i) + ": " + std::string(500, 'v') + "\r\n";
    text += "Content-Type: a/b\r\nContent-Length: 1\r\n\r\nx";
    Origin origin(say(text));
    Bench bench(upstream_of({origin.port()}));
    Request large;
    large.options.limits.head.head_bytes = 64 * 1024;
    bench.perform(large);
    CHECK(large.done);
    CHECK(large.content_type == "a/b");
    Request small;
    small.options.limits.head.head_bytes = 20 * 1024;
    bench.perform(small);
    CHECK(small.failed);
    CHECK(small.error.code == Code::BadResponse);
}

TEST_CASE("forward: a large response arrives whole, in pieces", "[upstream]") {
    const std::string sent = pattern(8'000'000);
    Origin origin([&](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) socket.send(answer(sent));
    });
    Bench bench(upstream_of({origin.port()}));
    for (int i = 0; i < 2; ++i) {
        Request request;
        bench.perform(request);
        CHECK(request.done);
        CHECK((request.body == sent));
        CHECK(request.largest_piece <= 64 * 1024);
    }
    CHECK(origin.connections() == 1);
    bench.thread.run([&] { CHECK(bench.thread.worker().blocks().in_use() == 0); });
}

TEST_CASE("forward: a paused response waits in the kernel, and comes whole when resumed", "[upstream]") {
    const std::string sent = pattern(32'000'000);
    std::atomic<bool> all_sent{false};
    Origin origin([&](OriginSocket& socket, int) {
        socket.read_head();
        all_sent = socket.send(answer(sent));
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.pause_at_head = true;
    bench.start(request);
    REQUIRE(request.wait_for_status());
    // As often as it goes round: nothing beyond what was read with the head.
    for (int i = 0; i < 100; ++i) {
        bench.thread.run([&] { CHECK(request.body.size() <= 64 * 1024); });
    }
    CHECK_FALSE(all_sent);
    bench.thread.run([&] { request.resume(); });
    REQUIRE(request.wait());
    CHECK(request.done);
    CHECK((request.body == sent));
}

TEST_CASE("forward: after a 101 bytes go both ways until either side ends", "[upstream]") {
    Origin origin([](OriginSocket& socket, int) {
        socket.read_head();
        // The first bytes of the new protocol come together with the answer.
        socket.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi:");
        socket.send(socket.read_until("\n"));
        // The client's half is closed; ours still speaks.
        CHECK(socket.is_at_end());
        socket.send("bye");
    });
    Bench bench(upstream_of({origin.port()}));
    Request request;
    request.options.upgrade = true;
    bench.start(request);
    REQUIRE(request.wait(3));
    CHECK(request.status == 101);
    bench.thread.run([&] { request.send("ping\n"); });
    REQUIRE(request.wait(8));
    bench.thread.run([&] { request.finish_sending(); });
    REQUIRE(request.wait());
    CHECK(request.done);
    CHECK(request.body == "hi:ping\nbye");
    CHECK(bench.idle() == 0);
}

TEST_CASE("forward: peers behind unix sockets and names are reached", "[upstream]") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("gantry-forward-" + std::to_string(::getpid()))).string();
    ::unlink(path.c_str());
    {
        Origin origin(count_requests, path);
        conf::Upstream settings = upstream_of({0});
        settings.peers[0].host = path;
        settings.peers[0].is_unix = true;
        Bench bench(settings);
        for (int i = 0; i < 3; ++i) {
            Request request;
            bench.perform(request);
            CHECK(request.body == "1." + std::to_string(i + 1));
        }
    }
    ::unlink(path.c_str());

    Origin origin(count_requests);
    conf::Upstream settings = upstream_of({origin.port()});
    settings.peers[0].host = "localhost";
    Bench bench(settings);
    REQUIRE(bench.resolver.wait(seconds(20)));
    Request request;
    bench.perform(request);
    CHECK(request.body == "1.1");
}

TEST_CASE("forward: connections stay warm over a reload that changes other settings", "[upstream]") {
    Origin origin(count_requests);
    conf::Upstream settings = upstream_of({origin.port()});
    Bench bench(settings);
    Request first;
    bench.perform(first);
    const std::shared_ptr<const Upstream> old = bench.upstream;

    bench.use(settings);
    CHECK(bench.upstream == old);
    settings.response_timeout = seconds(7);
    bench.use(settings);
    CHECK(bench.upstream != old);
    Request second;
    bench.perform(second);
    CHECK(second.body == "1.2");
    // The older generation goes on beside the newer one.
    bench.upstream = old;
    Request third;
    bench.perform(third);
    CHECK(third.body == "1.3");
    CHECK(origin.connections() == 1);
}
