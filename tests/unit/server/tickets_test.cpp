// Tickets: what wakes an exchange that sleeps, once, and nobody else, however late or often it is used.
#include "core/conf/load.hpp"
#include "core/http/h1_parser.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/generation.hpp"
#include "core/server/worker_context.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace gantry;
using server::Ticket;
using server::Verdict;

namespace {

const char asked_before = 0;
int dropped = 0;

// Sleeps when it is asked, and answers when it is asked once more.
class Sleepy final : public server::Handler {
public:
    Verdict handle(server::Exchange& exchange) const override {
        if (exchange.note(&asked_before) != nullptr) {
            exchange.respond("awake");
            return Verdict::Done;
        }
        exchange.set_note(&asked_before, &dropped);
        latest = exchange.suspend(&dropped, [](void* count) { ++*static_cast<int*>(count); });
        return Verdict::Wait;
    }
    static inline Ticket latest;
};

// Where a codec would be.
class Stage final : public http::ServerStream {
public:
    explicit Stage(const server::BoundListener& listener) : listener_(listener) {}

    void send_interim(int, const http::Headers*) override {}
    void send_head(const http::ResponseHead& head) override { status = head.status; }
    void send_body(std::string_view bytes, Ref<RefCounted>) override { body += bytes; }
    void send_file(int, off_t, std::size_t, Ref<RefCounted>) override {}
    void finish(const http::Headers*) override { is_finished = true; }
    void end_write() override {}
    void abort() override { is_finished = true; }
    void read_body(http::BodyReader&) override {}
    void pause_body() override {}
    void resume_body() override {}
    void flush() override {}
    void enter() override {}
    void leave() override {}
    std::size_t queued() const override { return 0; }
    Facts facts() const override {
        Facts facts;
        facts.client = &client_;
        facts.listener = &listener_;
        return facts;
    }
    std::uint64_t bytes_sent() const override { return 0; }

    int status = 0;
    std::string body;
    bool is_finished = false;

private:
    const server::BoundListener& listener_;
    net::PeerAddress client_;
};

std::shared_ptr<const server::Generation> sleepy_generation() {
    const auto loaded = conf::load_text("/etc/gantry/gantry.toml",
                                        "[listener.web]\naddress = \"127.0.0.1:8080\"\n"
                                        "[host.test.location.\"/\"]\nrespond = 200\n");
    INFO(loaded.diagnostics.render_text());
    REQUIRE(loaded.settings);
    server::Problems problems;
    auto generation = server::Generation::build(
        *loaded.settings, [](const server::HandlerScope&) { return std::make_unique<Sleepy>(); }, {},
        problems);
    REQUIRE(generation != nullptr);
    return generation;
}

// A worker whose loop nobody runs, unless a test does.
struct Fixture {
    Fixture() {
        worker.set_generation(sleepy_generation());
        dropped = 0;
    }

    net::BlockingPool nobody{0};
    server::WorkerContext worker{3, 4, nobody, nullptr};
    server::BoundListener listener{"web", {}};
};

// One that sleeps, until it ends.
struct Sleeper {
    explicit Sleeper(Fixture& fixture) : stage(fixture.listener), exchange(fixture.worker.acquire(stage)) {
        std::size_t scanned = 0;
        const auto size =
            http::parse_request_head("GET / HTTP/1.1\r\nHost: test\r\n\r\n", {}, exchange.request(), scanned);
        REQUIRE((size && *size > 0));
        exchange.start();
        ticket = Sleepy::latest;
        REQUIRE(is_asleep());
    }
    bool is_asleep() const { return !stage.is_finished; }
    void leave() { exchange.on_aborted({Code::Closed, Side::Client, Retry::No, 0, "it left"}); }
    void end() {
        REQUIRE(stage.is_finished);
        exchange.on_sent();
    }

    Stage stage;
    http::ServerExchange& exchange;
    Ticket ticket;
};

// Refused by every way there is.
void check_stale(Fixture& fixture, const Ticket& ticket) {
    CHECK(fixture.worker.sleeper(ticket) == nullptr);
    CHECK_FALSE(fixture.worker.resume(ticket, Verdict::Again));
    CHECK_FALSE(fixture.worker.wake(ticket, Verdict::Again));
    CHECK(fixture.worker.claim(ticket) == nullptr);
}

}  // namespace

TEST_CASE("tickets: one wakes its exchange, once", "[server][tickets]") {
    Fixture fixture;
    Sleeper one(fixture);
    CHECK(one.ticket.worker == 3);
    CHECK(fixture.worker.wake(one.ticket, Verdict::Again));
    CHECK(one.stage.body == "awake");
    CHECK(dropped == 1);
    check_stale(fixture, one.ticket);
    CHECK(one.stage.body == "awake");
    one.end();
    check_stale(fixture, one.ticket);
    CHECK(dropped == 1);
}

TEST_CASE("tickets: one of an exchange that is over is refused", "[server][tickets]") {
    Fixture fixture;
    Sleeper one(fixture);
    one.leave();
    CHECK(dropped == 1);
    check_stale(fixture, one.ticket);
    CHECK(dropped == 1);
    CHECK(one.is_asleep());  // nothing was answered
}

TEST_CASE("tickets: one whose slot another exchange has wakes nobody", "[server][tickets]") {
    Fixture fixture;
    Sleeper gone(fixture);
    SECTION("it left") {
        gone.leave();
    }
    SECTION("it was woken") {
        REQUIRE(fixture.worker.wake(gone.ticket, Verdict::Again));
        gone.end();
    }
    SECTION("its ticket was taken back") {
        REQUIRE(fixture.worker.claim(gone.ticket) != nullptr);
        gone.leave();
        ++dropped;  // by whoever took it back
    }
    Sleeper next(fixture);
    REQUIRE(next.ticket.slot == gone.ticket.slot);
    REQUIRE(&next.exchange == &gone.exchange);  // it is recycled, so nothing but the serial tells
    check_stale(fixture, gone.ticket);
    CHECK(next.is_asleep());
    CHECK(dropped == 1);
    CHECK(fixture.worker.sleeper(next.ticket) == &next.exchange);

    CHECK(fixture.worker.resume(next.ticket, Verdict::Again));
    CHECK(next.stage.body == "awake");
    next.end();
}

TEST_CASE("tickets: those of others are refused", "[server][tickets]") {
    Fixture fixture;
    Sleeper one(fixture);
    const Ticket good = one.ticket;
    check_stale(fixture, {good.worker + 1, good.slot, good.serial});
    check_stale(fixture, {good.worker, good.slot + 1, good.serial});
    check_stale(fixture, {good.worker, 0xffffffff, good.serial});
    check_stale(fixture, {good.worker, good.slot, good.serial + 1});
    check_stale(fixture, {good.worker, good.slot, 0});
    CHECK(one.is_asleep());
    CHECK(dropped == 0);
    one.leave();
}

TEST_CASE("tickets: of many that come from other threads, one wakes", "[server][tickets]") {
    Fixture fixture;
    std::vector<std::unique_ptr<Sleeper>> sleepers;
    for (int i = 0; i < 50; ++i) sleepers.push_back(std::make_unique<Sleeper>(fixture));
    const Ticket gone = sleepers.back()->ticket;
    sleepers.back()->leave();
    sleepers.pop_back();

    // What a thread that is no worker's does: it posts, and learns nothing.
    std::atomic<int> woken{0};
    std::atomic<int> refused{0};
    std::atomic<int> strangers{0};
    std::array<std::thread, 4> threads;
    std::atomic<std::size_t> at_work{threads.size()};
    for (std::thread& thread : threads) {
        thread = std::thread([&] {
            if (server::WorkerContext::here() != nullptr) ++strangers;
            const auto use = [&](const Ticket& ticket) {
                fixture.worker.net().post([&fixture, &woken, &refused, ticket] {
                    ++(fixture.worker.wake(ticket, Verdict::Again) ? woken : refused);
                });
            };
            for (const auto& sleeper : sleepers) use(sleeper->ticket);
            use(gone);
            if (--at_work == 0) fixture.worker.net().post([&] { fixture.worker.net().stop(); });
        });
    }
    fixture.worker.net().run();
    for (std::thread& thread : threads) thread.join();
    CHECK(strangers == 0);
    CHECK(woken == 49);
    CHECK(refused == 4 * 50 - 49);
    CHECK(dropped == 50);
    for (const auto& sleeper : sleepers) {
        CHECK(sleeper->stage.body == "awake");
        sleeper->end();
    }
}
