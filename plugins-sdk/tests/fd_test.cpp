// Descriptors and timers, through the fake host: the other ends are the test's.
#include "entry.hpp"
#include "piper.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/stat.h>

namespace {

using namespace std::chrono_literals;

// A folder, and a socket in it where somebody listens.
struct Server {
    std::string folder = make_folder();
    std::string path = folder + "/s";
    int listener = -1;
    int client = -1;

    Server() {
        listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
        GANTRY_CHECK(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        GANTRY_CHECK(::listen(listener, 8) == 0);
    }
    ~Server() {
        hang_up();
        ::close(listener);
        std::filesystem::remove_all(folder);
    }
    static std::string make_folder() {
        char text[] = "/tmp/gantry-fd-XXXXXX";
        return ::mkdtemp(text);
    }
    void accept() { client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }
    std::string take() const {
        char text[256];
        const ssize_t got = ::read(client, text, sizeof(text));
        return {text, static_cast<std::size_t>(got > 0 ? got : 0)};
    }
    void give(std::string_view text) const {
        GANTRY_CHECK(::send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
                     static_cast<ssize_t>(text.size()));
    }
    void hang_up() {
        if (client >= 0) ::close(std::exchange(client, -1));
    }
};

struct Fixture {
    Server server;
    gantry::fake::Host host;

    explicit Fixture(bool has_fifo = false) {
        const std::string fifo = server.folder + "/f";
        GANTRY_CHECK(::mkfifo(fifo.c_str(), 0600) == 0);
        GANTRY_CHECK(host.load(test::entry<gantry::State<test::Pipes>, gantry::Handler<test::Piper>,
                                           gantry::Handler<test::Waiter>>()));
        if (has_fifo) host.server({{"piper_fifo", fifo}});
        host.location("/", {{"piper", server.path}});
        host.location("/wait/", {{"waiter", server.path}});
        GANTRY_CHECK(host.reload());
    }
};

void test_answers_come_over_one_connection() {
    Fixture at;
    const auto first = at.host.request("GET", "/a-long-question");
    const auto second = at.host.request("GET", "/b");
    at.host.run();
    at.server.accept();
    GANTRY_CHECK_EQUAL(at.server.take(), "/a-long-question\n/b\n");
    GANTRY_CHECK_EQUAL(at.host.watches(), 1u);
    at.server.give("the answer to the first of them\nthe ");
    at.host.run();
    GANTRY_CHECK_EQUAL(first.body(), "the answer to the first of them\n");
    GANTRY_CHECK(second.is_asleep());
    at.server.give("second\n");
    at.host.run();
    GANTRY_CHECK_EQUAL(second.body(), "the second\n");
}

void test_a_connection_dies() {
    Fixture at;
    const auto cut = at.host.request("GET", "/a");
    at.host.run();
    at.server.accept();
    at.server.hang_up();
    at.host.run();
    GANTRY_CHECK_EQUAL(cut.status(), 502);
    GANTRY_CHECK_EQUAL(at.host.watches(), 0u);
    const auto late = at.host.request("GET", "/b");
    at.host.run();
    at.server.accept();
    at.host.advance(2s);
    GANTRY_CHECK_EQUAL(late.status(), 502);
    GANTRY_CHECK_EQUAL(at.server.take(), "/b\n");
}

// AddressSanitizer sees what is left behind.
void test_clients_leave() {
    Fixture at;
    auto early = at.host.request("GET", "/a");
    early.leave();
    at.host.run();
    at.server.accept();
    at.server.give("too late\n");
    at.host.run();
    auto waiting = at.host.request("GET", "/wait/b");
    GANTRY_CHECK_EQUAL(at.host.watches(), 2u);
    waiting.leave();
    GANTRY_CHECK_EQUAL(at.host.watches(), 1u);
    at.host.run();
    at.host.advance(1s);
}

void test_a_coroutine_waits() {
    Fixture at;
    const auto exchange = at.host.request("GET", "/wait/a");
    at.host.run();
    at.server.accept();
    GANTRY_CHECK_EQUAL(at.server.take(), "/wait/a\n");
    at.server.give("a line of more than 8 bytes");
    at.host.run();
    GANTRY_CHECK(exchange.is_asleep());
    at.server.give("\n");
    at.host.run();
    GANTRY_CHECK_EQUAL(exchange.body(), "a line of more than 8 bytes\n");
    const auto late = at.host.request("GET", "/wait/b");
    at.host.run();
    at.host.advance(299ms);
    GANTRY_CHECK(late.is_asleep());
    at.host.advance(1ms);
    GANTRY_CHECK_EQUAL(late.status(), 504);
    GANTRY_CHECK_EQUAL(at.host.watches(), 0u);
}

void test_the_main_thread_reads() {
    Fixture at{true};
    const int fifo = ::open((at.server.folder + "/f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    GANTRY_CHECK(::write(fifo, "the first line\nthe second\n", 26) == 26);
    at.host.run();
    GANTRY_CHECK(at.host.has_logged("piper read text=the first line"));
    GANTRY_CHECK(at.host.has_logged("piper read text=the second"));
    GANTRY_CHECK(!at.host.has_logged("piper rang"));
    at.host.advance(20ms);
    GANTRY_CHECK(at.host.has_logged("piper rang"));
    ::close(fifo);
}

void test_watches_end_before_their_instance() {
    Fixture at{true};
    const auto exchange = at.host.request("GET", "/a");
    GANTRY_CHECK_EQUAL(at.host.watches(), 2u);
    GANTRY_CHECK(at.host.reload());
    GANTRY_CHECK_EQUAL(at.host.watches(), 3u);
    GANTRY_CHECK(!at.host.has_logged("piper ended"));
    at.host.run();
    at.server.accept();
    at.server.give("ok\n");
    at.host.run();
    GANTRY_CHECK_EQUAL(exchange.body(), "ok\n");
    GANTRY_CHECK(at.host.has_logged("piper ended"));
    GANTRY_CHECK_EQUAL(at.host.watches(), 1u);
    GANTRY_CHECK_EQUAL(at.host.instances(), 1u);
}

// ---- the table

struct Raw : test::WithKey<Raw> {
    static std::unique_ptr<Raw> create(gantry::Scope& scope) {
        latest = gantry::Watcher::declare(scope);
        return std::make_unique<Raw>();
    }
    gantry::Verdict handle(gantry::Exchange&) { return gantry::Verdict::Next; }
    inline static gantry::Watcher latest;
};

struct Reader {
    int calls = 0;
    bool is_ended = false;
    void readable() { ++calls; }
    void ended() { is_ended = true; }
};

void test_what_cannot_be_watched() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Raw>>(host);
    int ends[2];
    GANTRY_CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    Reader reader;
    gantry::Watch watch, again;
    GANTRY_CHECK_EQUAL(watch.begin(Raw::latest, -1, reader), GANTRY_ERROR_ARGUMENT);
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    GANTRY_CHECK_EQUAL(watch.begin(Raw::latest, file, reader), GANTRY_ERROR_ARGUMENT);
    ::close(file);
    GANTRY_CHECK_EQUAL(watch.want_read(), GANTRY_ERROR_STALE);
    GANTRY_CHECK_EQUAL(watch.begin(Raw::latest, ends[0], reader), GANTRY_OK);
    GANTRY_CHECK_EQUAL(again.begin(Raw::latest, ends[0], reader), GANTRY_ERROR_STATE);
    GANTRY_CHECK_EQUAL(watch.want_write(), GANTRY_ERROR_ARGUMENT);  // it has no writable()
    GANTRY_CHECK(!again.is_on());
    watch.stop();
    GANTRY_CHECK_EQUAL(again.begin(Raw::latest, ends[0], reader), GANTRY_OK);
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(reader.is_ended && !again.is_on());
    ::close(ends[0]);
    ::close(ends[1]);
}

void test_what_is_not_taken_is_said_again() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Raw>>(host);
    int ends[2];
    GANTRY_CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    Reader reader;
    gantry::Watch watch;
    watch.begin(Raw::latest, ends[0], reader);
    watch.want_read();
    host.run();
    GANTRY_CHECK_EQUAL(reader.calls, 0);
    GANTRY_CHECK(::write(ends[1], "x", 1) == 1);
    host.expect_violations();
    host.run();
    GANTRY_CHECK(reader.calls > 10);
    GANTRY_CHECK_EQUAL(host.violations().size(), 1u);
    watch.stop_read();
    reader.calls = 0;
    host.run();
    GANTRY_CHECK_EQUAL(reader.calls, 0);
    ::close(ends[0]);
    watch.want_read();
    GANTRY_CHECK_EQUAL(host.violations().size(), 1u);
    watch.stop();
    ::close(ends[1]);
}

}  // namespace

int main() {
    test_answers_come_over_one_connection();
    test_a_connection_dies();
    test_clients_leave();
    test_a_coroutine_waits();
    test_the_main_thread_reads();
    test_watches_end_before_their_instance();
    test_what_cannot_be_watched();
    test_what_is_not_taken_is_said_again();
    return gantry::fake::result();
}
