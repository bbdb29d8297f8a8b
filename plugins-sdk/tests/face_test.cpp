// The C++ face: what hooks return and throw, bodies both ways, state that is handed over, and the order of hooks.
#include "entry.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

namespace {

using gantry::Exchange;
using gantry::Verdict;

struct Thrower : test::WithKey<Thrower> {
    Verdict handle(Exchange& exchange) {
        if (exchange.path() == "/odd") throw 7;
        throw std::runtime_error{"out of tea"};
    }
    void log(Exchange& exchange) {
        exchange.host().print(gantry::LogLevel::Info, "logged %d", exchange.response().status());
    }
};

void test_what_is_thrown_stays_inside() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Thrower>, gantry::Logger<Thrower>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 500);
    GANTRY_CHECK(host.has_logged("an exception left test: out of tea"));
    GANTRY_CHECK(host.has_logged("logged 500"));
    GANTRY_CHECK_EQUAL(host.request("GET", "/odd").status(), 500);
    GANTRY_CHECK(host.has_logged("unknown type"));
}

struct Editor : test::WithKey<Editor> {
    Verdict rewrite(Exchange& exchange) {
        exchange.set_path("/new" + std::string{exchange.path()});
        exchange.fields().set("X-Was", exchange.target());
        exchange.fields().remove("Cookie");
        return Verdict::Next;
    }
    Verdict handle(Exchange& exchange) {
        std::string all;
        exchange.fields().each([&](std::string_view name, std::string_view value) {
            all.append(name).append("=").append(value).append(" ");
        });
        auto response = exchange.response();
        response.field("X-Bad", "a\r\nX-Evil: 1")
            .field("Content-Length", "7")
            .body(all + std::string{exchange.path()});
        exchange.host().print(gantry::LogLevel::Info, "result %d", response.result());
        return Verdict::Done;
    }
    void head(Exchange& exchange) { exchange.response().fields().add("X-Filter", "1"); }
};

void test_requests_are_edited() {
    gantry::fake::Host host;
    test::load<gantry::Rewrite<Editor>, gantry::Handler<Editor>, gantry::HeaderFilter<Editor>>(host);
    const auto exchange = host.request("GET", "/a?b", {{"Cookie", "1"}, {"A", "2"}, {"COOKIE", "3"}});
    GANTRY_CHECK_EQUAL(exchange.body(), "A=2 X-Was=/a?b /new/a");
    GANTRY_CHECK(!exchange.field("X-Bad") && !exchange.field("Content-Length"));
    GANTRY_CHECK_EQUAL(exchange.field("x-filter").value_or(""), "1");
    GANTRY_CHECK(host.has_logged("result -1"));
}

// Reads a body, and answers with it from its end.
struct Echo : test::WithKey<Echo> {
    struct Reader {
        std::string text = {};
        void data(Exchange, std::string_view data) { text += data; }
        void end(Exchange exchange) {
            if (text == "throw") throw std::runtime_error{"unreadable"};
            exchange.response().body(text);
        }
    };
    Verdict handle(Exchange& exchange) {
        auto* reader = exchange.attach<Reader>();
        return exchange.read_body(*reader) == GANTRY_OK ? Verdict::Done : Verdict::Fail;
    }
};

void test_bodies_of_requests() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Echo>>(host);
    const std::string piece(100, 'x');  // longer than a string holds in itself: a leak would be seen
    GANTRY_CHECK_EQUAL(host.request({.method = "POST", .body = {piece, "y"}}).body(), piece + "y");
    GANTRY_CHECK_EQUAL(host.request({.method = "POST", .body = {"throw"}}).status(), 500);
}

// Sends a piece whenever the client took the last one.
struct Stream : test::WithKey<Stream> {
    struct Source {
        int left = 3;
        std::shared_ptr<int> token = {};
        void drained(Exchange exchange) {
            auto response = exchange.response();
            while (left > 0 && !response.is_congested()) response.send(std::to_string(left--));
            if (left == 0) response.finish();
        }
    };
    Verdict handle(Exchange& exchange) {
        auto* source = exchange.attach<Source>();
        source->token = token;
        exchange.response().send_head();
        source->drained(exchange);
        return Verdict::Done;
    }
    static inline const std::shared_ptr<int> token = std::make_shared<int>(0);
};

void test_streams() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Stream>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "321");
    GANTRY_CHECK_EQUAL(Stream::token.use_count(), 1);
}

// What a generation shares, and hands over.
struct Counters {
    std::shared_ptr<std::atomic<int>> requests = std::make_shared<std::atomic<int>>(0);
    bool is_committed = false;
    static std::unique_ptr<Counters> prepare(gantry::Scope&, Counters* old) {
        auto state = std::make_unique<Counters>();
        if (old != nullptr) state->requests = old->requests;
        return state;
    }
    void commit() { is_committed = true; }
};
struct Counting {
    static constexpr auto& keys = test::WithKey<Counting>::keys;
    static std::unique_ptr<Counting> create(gantry::Scope&, Counters& counters) {
        return std::make_unique<Counting>(Counting{&counters});
    }
    Verdict handle(Exchange& exchange) {
        exchange.response().body(std::to_string(++*counters->requests) + (counters->is_committed ? "c" : ""));
        return Verdict::Done;
    }
    Counters* counters;
};

void test_state_is_handed_over() {
    gantry::fake::Host host;
    test::load<gantry::State<Counters>, gantry::Handler<Counting>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "1c");
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "2c");
}

// An old generation lives until its last exchange is over.
struct Sleeper : test::WithKey<Sleeper> {
    gantry::Task<Verdict> access(Exchange exchange) const {
        co_await exchange.sleep(std::chrono::milliseconds{5});
        co_return exchange.fail(403, marker);
    }
    std::string marker = "of an instance that is alive, or AddressSanitizer says so";
};

void test_old_generations_finish() {
    gantry::fake::Host host;
    test::load<gantry::Access<Sleeper>>(host);
    const auto exchange = host.request("GET", "/");
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.instances(), 2u);
    host.advance(std::chrono::milliseconds{5});
    GANTRY_CHECK_EQUAL(exchange.status(), 403);
    GANTRY_CHECK_EQUAL(host.instances(), 1u);
}

// Named, and before the other, which was added first.
struct Second : test::WithKey<Second> {
    static constexpr const char* name = "second";
    Verdict access(Exchange& exchange) {
        exchange.fields().add("X-Order", "second");
        return Verdict::Next;
    }
};
struct First {
    static constexpr const char* before = "else, second";
    static std::unique_ptr<First> create(gantry::Scope&) { return std::make_unique<First>(); }
    Verdict access(Exchange& exchange) {
        exchange.fields().add("X-Order", "first");
        return Verdict::Next;
    }
    Verdict handle(Exchange& exchange) {
        exchange.response().body(exchange.fields()["X-Order"]);
        return Verdict::Done;
    }
};

void test_order() {
    gantry::fake::Host host;
    test::load<gantry::Access<Second>, gantry::Access<First>, gantry::Handler<First>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "first");
}

}  // namespace

int main() {
    test_what_is_thrown_stays_inside();
    test_requests_are_edited();
    test_bodies_of_requests();
    test_streams();
    test_state_is_handed_over();
    test_old_generations_finish();
    test_order();
    return gantry::fake::result();
}
