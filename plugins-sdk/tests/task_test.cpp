// Coroutines: one within another, what they throw, and clients that leave at each place where one waits.
#include "entry.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using gantry::Exchange;
using gantry::Task;
using gantry::Verdict;
using std::chrono::milliseconds;

int alive = 0;  // local variables of frames
struct Local {
    Local() { ++alive; }
    ~Local() { --alive; }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
};

Task<std::string> slow_name(Exchange exchange, std::string name) {
    const Local local;
    co_await exchange.sleep(milliseconds{1});
    if (name == "bad") throw std::runtime_error{"a bad name"};
    co_return name + "!";
}

struct Greeter : test::WithKey<Greeter> {
    Task<void> pause(Exchange exchange, int times) const {
        const Local local;
        for (int time = 0; time < times; ++time) co_await exchange.sleep(milliseconds{1});
    }
    Task<Verdict> handle(Exchange exchange) {
        const Local local;
        co_await pause(exchange, 2);
        const std::string name = co_await slow_name(exchange, std::string{exchange.query()});
        const auto size =
            co_await exchange.blocking([](const std::string& text) { return text.size(); }, name);
        const auto nothing = co_await exchange.blocking([] {});
        const auto thrown =
            co_await exchange.blocking([]() -> int { throw std::runtime_error{"elsewhere"}; });
        if (!size || !nothing || thrown) co_return Verdict::Fail;
        exchange.response().body(name + std::to_string(*size));
        co_return Verdict::Done;
    }
};

void test_one_within_another() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Greeter>>(host);
    const auto exchange = host.request("GET", "/?tea");
    for (int step = 0; step < 3; ++step) host.advance(milliseconds{1});
    host.run();
    GANTRY_CHECK_EQUAL(exchange.body(), "tea!4");
    GANTRY_CHECK(host.has_logged("elsewhere"));
    GANTRY_CHECK_EQUAL(alive, 0);
}

void test_what_the_inner_one_throws() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Greeter>>(host);
    const auto exchange = host.request("GET", "/?bad");
    host.advance(milliseconds{10});
    GANTRY_CHECK_EQUAL(exchange.status(), 500);
    GANTRY_CHECK(host.has_logged("a bad name"));
    GANTRY_CHECK_EQUAL(alive, 0);
}

void test_clients_leave_anywhere() {
    for (int steps = 0; steps < 12; ++steps) {
        gantry::fake::Host host;
        test::load<gantry::Handler<Greeter>>(host);
        auto exchange = host.request("GET", "/?tea");
        for (int step = 0; step < steps; ++step) {
            if (step < 3) {
                host.advance(milliseconds{1});
            } else {
                step % 2 == 1 ? host.run_blocking() : host.run_posted();
            }
        }
        const bool was_over = exchange.is_over();
        GANTRY_CHECK_EQUAL(was_over, steps >= 9);
        if (!was_over) GANTRY_CHECK(alive > 0);
        exchange.leave();
        GANTRY_CHECK_EQUAL(alive, 0);
        host.advance(milliseconds{100});
        host.run();
    }
}

// Without a wait it is a hook like any other.
struct Prompt : test::WithKey<Prompt> {
    Task<Verdict> access(Exchange exchange) const {
        const Local local;
        if (exchange.query() == "late") co_await exchange.sleep(milliseconds{0});
        co_return exchange.fail(403);
    }
};

void test_prompt_answers() {
    gantry::fake::Host host;
    test::load<gantry::Access<Prompt>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 403);
    GANTRY_CHECK_EQUAL(host.request("GET", "/?late").status(), 403);
    GANTRY_CHECK_EQUAL(alive, 0);
}

// Something that calls back: from another thread, late, twice, or never.
struct Caller : test::WithKey<Caller> {
    static inline std::vector<gantry::Waker> wakers = {};

    Task<Verdict> access(Exchange exchange) const {
        const Local local;
        const bool first =
            co_await exchange.until(milliseconds{10}, [](gantry::Waker waker) { wakers.push_back(waker); });
        const bool second =
            co_await exchange.until(milliseconds{10}, [](gantry::Waker waker) { wakers.push_back(waker); });
        co_return exchange.fail(400 + (first ? 1 : 0) + (second ? 2 : 0));
    }
};

void test_callbacks() {
    Caller::wakers.clear();
    gantry::fake::Host host;
    test::load<gantry::Access<Caller>>(host);
    const auto exchange = host.request("GET", "/");
    const gantry::Waker first = Caller::wakers.back();
    std::thread{[first] {
        first.wake();
        first.wake();
    }}.join();
    GANTRY_CHECK_EQUAL(Caller::wakers.size(), 1u);
    host.run();
    GANTRY_CHECK_EQUAL(Caller::wakers.size(), 2u);  // once
    host.advance(milliseconds{9});
    GANTRY_CHECK(exchange.is_asleep());
    Caller::wakers.back().wake();
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 403);
    Caller::wakers.back().wake();
    host.advance(milliseconds{100});
    GANTRY_CHECK_EQUAL(alive, 0);
}

void test_callbacks_that_never_come() {
    Caller::wakers.clear();
    gantry::fake::Host host;
    test::load<gantry::Access<Caller>>(host);
    const auto exchange = host.request("GET", "/");
    host.advance(milliseconds{10});
    Caller::wakers.front().wake();  // for a wait that is over
    host.run();
    GANTRY_CHECK(exchange.is_asleep());
    host.advance(milliseconds{9});
    GANTRY_CHECK(exchange.is_asleep());  // the first limit does not end the second wait
    host.advance(milliseconds{1});
    GANTRY_CHECK_EQUAL(exchange.status(), 400);
    auto leaver = host.request("GET", "/");
    leaver.leave();
    Caller::wakers.back().wake();
    host.run();
    GANTRY_CHECK_EQUAL(alive, 0);
}

// More than an exchange gives at once.
struct Huge : test::WithKey<Huge> {
    Task<Verdict> access(Exchange exchange) const {
        volatile char frame[2 << 20];
        frame[exchange.path().size()] = 0;
        co_await exchange.sleep(milliseconds{1});
        co_return frame[exchange.path().size()] == 0 ? Verdict::Next : Verdict::Fail;
    }
};

// Reads a body, and takes its time for each piece.
struct Taker : test::WithKey<Taker> {
    Task<Verdict> handle(Exchange exchange) {
        const Local local;
        if (exchange.path() == "/early") co_await exchange.sleep(milliseconds{1});
        gantry::RequestBody body{exchange};
        std::size_t size = 0;
        std::size_t pieces = 0;
        while (const auto piece = co_await body.next()) {
            size += piece->size();
            ++pieces;
            if (exchange.path() == "/enough") break;
            if (exchange.path() == "/slow") co_await exchange.sleep(milliseconds{1});
        }
        gantry::RequestBody again{exchange};
        if (co_await again.next() || again.result() != GANTRY_ERROR_STATE) co_return Verdict::Fail;
        exchange.response().body(std::to_string(size) + " in " + std::to_string(pieces));
        co_return Verdict::Done;
    }
};

void test_bodies_of_requests() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Taker>>(host);
    const std::string piece(10'000, 'x');
    const std::vector<std::string> body(50, piece);
    const auto ask = [&](const char* path, std::vector<std::string> pieces) {
        return host.request({.method = "POST", .target = path, .body = std::move(pieces)});
    };
    GANTRY_CHECK_EQUAL(ask("/", {}).body(), "0 in 0");
    GANTRY_CHECK_EQUAL(ask("/", {"a", "bc"}).body(), "3 in 2");
    GANTRY_CHECK_EQUAL(ask("/enough", body).body(), "10000 in 1");
    const auto early = ask("/early", {"a", "bc"});
    host.advance(milliseconds{1});
    GANTRY_CHECK_EQUAL(early.body(), "3 in 2");
    // Whoever is slow is given no more than 64 KiB beforehand.
    const auto slow = ask("/slow", body);
    GANTRY_CHECK_EQUAL(slow.pieces_read(), 8u);
    host.advance(milliseconds{1});
    GANTRY_CHECK_EQUAL(slow.pieces_read(), 15u);
    while (!slow.is_over()) host.advance(milliseconds{1});
    GANTRY_CHECK_EQUAL(slow.body(), "500000 in 8");
    // The client leaves at each place.
    for (int steps = 0; steps < 10; ++steps) {
        auto gone = ask("/slow", body);
        for (int step = 0; step < steps; ++step) host.advance(milliseconds{1});
        gone.leave();
        host.run();
        GANTRY_CHECK_EQUAL(alive, 0);
    }
}

void test_frames_that_are_too_large() {
    gantry::fake::Host host;
    test::load<gantry::Access<Huge>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 500);
}

}  // namespace

int main() {
    test_one_within_another();
    test_what_the_inner_one_throws();
    test_clients_leave_anywhere();
    test_prompt_answers();
    test_callbacks();
    test_callbacks_that_never_come();
    test_bodies_of_requests();
    test_frames_that_are_too_large();
    return gantry::fake::result();
}
