// Body filters between real handlers and a real connection.
#include "core/server/body_filter.hpp"

#include "tests/unit/content/proxy_support.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>

using namespace gantry;
using namespace gantry::test;

namespace {

const std::string kAsk = "GET /x HTTP/1.1\r\nHost: test.example\r\n\r\n";

std::atomic<int> g_alive{0};

// Base of all here: counts how many there are, so that none is forgotten.
struct Counted : server::BodyFilter {
    Counted() { ++g_alive; }
    ~Counted() override { --g_alive; }
};

// Each byte plus one.
struct Shift final : Counted {
    bool on_piece(std::string_view bytes, const Ref<RefCounted>&, server::BodySink& next) override {
        std::string text(bytes);
        for (char& c : text) c = static_cast<char>(c + 1);
        next.send(text, {});
        return true;
    }
    bool on_end(server::BodySink&) override { return true; }
};

// Between < and >; in front of Shift it makes another text than behind.
struct Frame final : Counted {
    bool on_piece(std::string_view bytes, const Ref<RefCounted>& owner, server::BodySink& next) override {
        if (!std::exchange(open, true)) next.send("<", {});
        next.send(bytes, owner);
        return true;
    }
    bool on_end(server::BodySink& next) override {
        next.send(">", {});
        return true;
    }
    bool open = false;
};

// Holds everything back to the end.
struct Reverse final : Counted {
    bool on_piece(std::string_view bytes, const Ref<RefCounted>&, server::BodySink&) override {
        held.append(bytes);
        return true;
    }
    bool on_end(server::BodySink& next) override {
        std::reverse(held.begin(), held.end());
        next.send(held, {});
        return true;
    }
    std::string held;
};

struct Fails final : Counted {
    Fails(std::size_t bytes, bool end) : after(bytes), at_end(end) {}
    bool on_piece(std::string_view bytes, const Ref<RefCounted>& owner, server::BodySink& next) override {
        seen += bytes.size();
        if (seen > after) return false;
        next.send(bytes, owner);
        return true;
    }
    bool on_end(server::BodySink&) override { return !at_end; }
    std::size_t seen = 0;
    std::size_t after;
    bool at_end;
};

std::string shifted(std::string text) {
    for (char& c : text) c = static_cast<char>(c + 1);
    return text;
}

class Site {
public:
    Site() {
        char name[] = "/tmp/gantry-filter-XXXXXX";
        top_ = ::mkdtemp(name);
    }
    ~Site() { std::filesystem::remove_all(top_); }
    void write(const std::string& text) const { std::ofstream(top_ / "x") << text; }
    std::string file() const { return top_ / "x"; }

    void serve(ProxyServer& server, std::uint64_t max_memory = 1000) const {
        conf::Static files;
        files.root = top_;
        conf::StaticOptions options;
        options.cache_max_file = max_memory;
        files.options = conf::Shared<conf::StaticOptions>(options);
        server.settings.hosts[0].locations[0].handler = files;
        server.apply();
    }

private:
    std::filesystem::path top_;
};

}  // namespace

TEST_CASE("body_filter: what a peer answers passes through the filters in their order", "[content][filter]") {
    Origin origin([](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) socket.send(answer_with("abc", "ETag: \"1\"\r\n"));
    });
    ProxyServer server({origin.port()});
    bool frame_first = false;
    server.header_filter = [&](server::Exchange& exchange) {
        exchange.response().headers.remove(http::HeaderId::Etag);
        if (frame_first) exchange.add_body_filter(std::make_unique<Frame>());
        exchange.add_body_filter(std::make_unique<Shift>());
        if (!frame_first) exchange.add_body_filter(std::make_unique<Frame>());
    };
    server.apply();
    {
        Client client(server);
        for (const bool first : {false, true}) {
            frame_first = first;
            const Answer answer = client.ask(kAsk);  // on one connection
            CHECK(answer.status == 200);
            CHECK(answer.complete);
            CHECK(answer.field("Transfer-Encoding") == "chunked");
            CHECK(answer.field("Content-Length").empty());
            CHECK(answer.field("ETag").empty());
            CHECK(answer.body == (first ? "=bcd?" : "<bcd>"));
        }
        const Answer head = client.ask("HEAD /x HTTP/1.1\r\nHost: test.example\r\n\r\n");
        CHECK(head.status == 200);
        CHECK(client.ask(kAsk).body == "=bcd?");
    }
    server.stop(ProxyServer::End::Drained);
    CHECK(g_alive == 0);
}

TEST_CASE("body_filter: trailers follow what was held back", "[content][filter]") {
    Origin origin([](OriginSocket& socket, int) {
        while (!socket.read_head().empty()) {
            socket.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n"
                "X-Sum: 6\r\n\r\n");
        }
    });
    ProxyServer server({origin.port()});
    server.header_filter = [](server::Exchange& exchange) {
        exchange.add_body_filter(std::make_unique<Reverse>());
    };
    server.apply();
    Client client(server);
    const Answer answer = client.ask(kAsk);
    CHECK(answer.complete);
    CHECK(answer.body == "fedcba");
    CHECK(answer.trailers == "X-Sum: 6\r\n");
}

TEST_CASE("body_filter: files are read as fast as the client takes what comes of them", "[content][filter]") {
    const Site site;
    const std::string text = noise(5'000'000);
    site.write(text);
    ProxyServer server({});
    server.header_filter = [](server::Exchange& exchange) {
        exchange.add_body_filter(std::make_unique<Shift>());
    };
    SECTION("from the disk") {
        site.serve(server);
    }
    SECTION("from memory") {
        site.serve(server, 10'000'000);
    }
    Client client(server);
    REQUIRE(client.send(kAsk + kAsk));
    for (int i = 0; i < 2; ++i) {
        const Answer answer = client.read();
        CHECK(answer.status == 200);
        CHECK(answer.complete);
        CHECK((answer.body == shifted(text)));
    }
}

TEST_CASE("body_filter: parts of files pass as well", "[content][filter]") {
    const Site site;
    site.write(noise(100'000));
    ProxyServer server({});
    server.header_filter = [](server::Exchange& exchange) {
        exchange.add_body_filter(std::make_unique<Frame>());
    };
    site.serve(server);
    Client client(server);
    const Answer answer =
        client.ask("GET /x HTTP/1.1\r\nHost: test.example\r\nRange: bytes=10-19,50000-50009\r\n\r\n");
    CHECK(answer.status == 206);
    CHECK(answer.complete);
    CHECK(answer.body.front() == '<');
    CHECK(answer.body.back() == '>');
    CHECK(answer.body.find(noise(100'000).substr(50'000, 10)) != std::string::npos);
    // Without a body there is nothing to filter.
    const std::string tag = answer.field("ETag");
    REQUIRE_FALSE(tag.empty());
    const Answer unchanged =
        client.ask("GET /x HTTP/1.1\r\nHost: test.example\r\nIf-None-Match: " + tag + "\r\n\r\n");
    CHECK(unchanged.status == 304);
    CHECK(client.ask(kAsk).complete);
}

TEST_CASE("body_filter: a filter that fails cuts the response so that the client can tell",
          "[content][filter]") {
    const Site site;
    site.write(noise(300'000));
    std::size_t after = 0;
    bool at_end = false;
    ProxyServer server({});
    server.header_filter = [&](server::Exchange& exchange) {
        exchange.add_body_filter(std::make_unique<Shift>());
        exchange.add_body_filter(std::make_unique<Fails>(after, at_end));
    };
    site.serve(server);
    for (const auto& [bytes, end] :
         {std::pair<std::size_t, bool>{0, false}, {100'000, false}, {400'000, true}}) {
        after = bytes;
        at_end = end;
        Client client(server);
        const Answer answer = client.ask(kAsk);
        INFO(bytes);
        CHECK_FALSE(answer.complete);
        CHECK(answer.body.size() <= 300'000);
        CHECK(client.socket().is_at_end());
    }
    server.stop(ProxyServer::End::Drained);
    CHECK(g_alive == 0);
}

TEST_CASE("body_filter: a file that becomes shorter, and clients that leave", "[content][filter]") {
    const Site site;
    site.write(noise(20'000'000));
    ProxyServer server({});
    std::atomic<int> begun{0};
    server.header_filter = [&](server::Exchange& exchange) {
        exchange.add_body_filter(std::make_unique<Shift>());
        ++begun;
    };
    site.serve(server);
    for (int i = 0; i < 5; ++i) {
        Client client(server);
        REQUIRE(client.send(kAsk));
        if (i % 2 == 0) client.socket().reset_on_close();
        REQUIRE(client.socket().read_body(1000 * static_cast<std::size_t>(i + 1)).size() >= 1000);
    }
    Client client(server);
    REQUIRE(client.send(kAsk));
    const std::string head = client.socket().read_head();
    CHECK(head.rfind("HTTP/1.1 200", 0) == 0);
    std::filesystem::resize_file(site.file(), 1000);
    std::size_t got = 0;
    for (std::string some; !(some = client.socket().read_body(100'000)).empty();) got += some.size();
    CHECK(got < 20'000'000);
    CHECK(begun == 6);
    server.stop(ProxyServer::End::Drained);
    CHECK(g_alive == 0);
}
