// Requests to peers over real sockets: reuse, retry, streaming, back-pressure and every way to fail.
#include "core/upstream/forward.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/upstream/support.hpp"

#include <cstdio>
#include <filesystem>

using namespace gantry;
using namespace gantry::test;
using namespace gantry::upstream;
using std::chrono::seconds;

namespace {

// One exchange: sends what it was told to and remembers what came back. Lives on the worker's thread.
class Request final : public Forward {
public:
    struct Options {
        std::string head = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
        http::Method method = http::Method::Get;
        http::BodyKind body_kind = http::BodyKind::None;
        std::vector<std::string> body{};
        bool upgrade = false;
        bool stay_open = false;      // the request never ends
        bool pause_at_head = false;  // of the response
        Millis timeout = 0;
        http::ClientLimits limits{};
    };

    Options options;
    // What happened; read it after wait().
    int status = 0;
    std::string reason;
    std::string body;
    std::string trailers;
    std::string interims;
    std::string content_type;
    std::size_t largest_piece = 0;
    int attempts = 0;
    bool reused = false;
    bool done = false;
    bool failed = false;
    Error error{};

    void start(Pools& pools, const std::shared_ptr<const Upstream>& upstream) {
        ForwardRequest request;
        request.upstream = &upstream;
        request.limits = &options.limits;
        request.arena = &arena_;
        request.method = options.method;
        request.upgrade = options.upgrade ? http::H1ResponseReader::Upgrade::Wanted
                                          : http::H1ResponseReader::Upgrade::Refused;
        request.timeout = options.timeout;
        begin(pools, request);
    }
    void send(std::string_view text) {
        client()->send_body(text, {});
        client()->flush();
    }
    void finish_sending() {
        client()->finish_request(nullptr);
        client()->flush();
    }
    void resume() { client()->resume(); }
    bool is_connected() { return client() != nullptr; }
    using Forward::drop;

    // Waits for the outcome, or (with a size) for that much of the body.
    bool wait(std::size_t size = static_cast<std::size_t>(-1)) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, seconds(20), [&] { return done || failed || body.size() >= size; });
    }
    bool wait_for_status() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, seconds(20), [&] { return done || failed || status != 0; });
    }

private:
    void write_request(http::H1Client& client) override {
        ++attempts;
        reused = client.is_reused();
        client.head().append_copy(options.head);
        client.set_body(options.body_kind);
        for (const std::string& piece : options.body) {
            client.send_body(piece, {});
            forbid_retry();
        }
        if (!options.stay_open) client.finish_request(nullptr);
        client.flush();
    }
    void on_interim(const http::ResponseHead& head) override {
        interims += std::to_string(head.status) + ' ';
    }
    void on_response_head(http::ResponseHead& head) override {
        if (options.pause_at_head) client()->pause();
        change([&] {
            status = head.status;
            reason = head.reason;
            content_type = head.headers.value(http::HeaderId::ContentType);
        });
    }
    void on_response_body(std::string_view bytes, const Ref<Block>& owner) override {
        REQUIRE(owner);
        REQUIRE(bytes.data() >= owner->data());
        REQUIRE(bytes.data() + bytes.size() <= owner->data() + owner->size());
        change([&] {
            body += bytes;
            largest_piece = std::max(largest_piece, bytes.size());
        });
    }
    void on_request_drained() override {}
    void on_turn_end() override {}
    void finish_response(const http::Headers* fields) override {
        change([&] {
            if (fields != nullptr) {
                for (const http::Field& field : *fields)
                    trailers += std::string(field.name) + '=' + std::string(field.value) + ';';
            }
            done = true;
        });
    }
    void fail_request(const Error& why) override {
        change([&] {
            failed = true;
            error = why;
        });
    }
    template <class Change>
    void change(Change what) {
        const std::lock_guard lock(mutex_);
        what();
        changed_.notify_all();
    }

    Arena arena_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

// A worker with its pools, and what makes upstreams.
struct Bench {
    net::BlockingPool blocking{1};
    net::Resolver resolver{blocking};
    Registry registry{resolver};
    WorkerThread thread;
    std::unique_ptr<Pools> pools = std::make_unique<Pools>(thread.worker());
    std::shared_ptr<const Upstream> upstream;

    explicit Bench(const conf::Upstream& settings) { use(settings); }
    ~Bench() {
        thread.run([this] { pools.reset(); });
        thread.stop();
    }
    void use(const conf::Upstream& settings) { upstream = registry.make(settings); }

    void start(Request& request) {
        thread.run([&] { request.start(*pools, upstream); });
    }
    Request& perform(Request& request) {
        start(request);
        REQUIRE(request.wait());
        return request;
    }
    std::size_t idle() {
        std::size_t count = 0;
        thread.run([&] {
            Ref<Group> group = pools->group(upstream);
            const PeerPool* pool = group->pick(nullptr, 0);
            count = pool->idle();
        });
        return count;
    }
    bool wait_for_idle(std::size_t wanted) {
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while (idle() != wanted) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }
};

std::string answer(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

// Answers every request with its number on the connection.
void count_requests(OriginSocket& socket, int connection) {
    for (int i = 1; !socket.read_head().empty(); ++i) {
        socket.send(answer(std::to_string(connection) + '.' + std::to_string(i)));
    }
}

Origin::Script say(std::string text) {
    return [text](OriginSocket& socket, int) {
        if (!socket.read_head().empty()) socket.send(text);
    };
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

}  // namespace

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
