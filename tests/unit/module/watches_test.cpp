#include "core/module/watches.hpp"

#include "core/module/scope.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <fcntl.h>
#include <functional>
#include <limits>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace gantry;
using module::Watches;

namespace {

constexpr std::uint64_t kMilli = 1'000'000;

// An instance of a module, and what it watches on this thread.
struct Instance {
    Instance() {
        module.name = "test";
        watcher.module = &module;
        watcher.kept = &kept;
    }
    module::Module module;
    module::Kept kept;
    gantry_watcher_t watcher;
    Watches watches{7};

    bool is_ready(int timeout = 0) const {
        pollfd poll{watches.fd(), POLLIN, 0};
        return ::poll(&poll, 1, timeout) == 1;
    }
    void check() { watches.check(); }
};

// Two ends; the first is watched.
struct Pair {
    Pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
    void give(std::size_t bytes) const { REQUIRE(::send(theirs.get(), "0123456789", bytes, 0) > 0); }
    void take(std::size_t bytes) const {
        std::array<char, 16> text{};
        REQUIRE(::recv(ours.get(), text.data(), bytes, 0) > 0);
    }
    UniqueFd ours, theirs;
};

// What is called, counted; `on_…` may do more.
struct Heard {
    int reads = 0, writes = 0, ends = 0;
    std::function<void()> on_read, on_write, on_end;

    gantry_fd_events_t events() {
        gantry_fd_events_t out{};
        out.size = sizeof out;
        out.state = this;
        out.on_readable = [](void* self) noexcept {
            auto& heard = *static_cast<Heard*>(self);
            ++heard.reads;
            if (heard.on_read) heard.on_read();
        };
        out.on_writable = [](void* self) noexcept {
            auto& heard = *static_cast<Heard*>(self);
            ++heard.writes;
            if (heard.on_write) heard.on_write();
        };
        out.on_end = [](void* self) noexcept {
            auto& heard = *static_cast<Heard*>(self);
            ++heard.ends;
            if (heard.on_end) heard.on_end();
        };
        return out;
    }
};

gantry_watch_t begin(Instance& instance, int fd, Heard& heard, std::uint32_t wanted = 0) {
    gantry_watch_t watch{};
    REQUIRE(instance.watches.watch(instance.watcher, fd, heard.events(), watch) == GANTRY_OK);
    if (wanted != 0) REQUIRE(instance.watches.want(watch, wanted) == GANTRY_OK);
    return watch;
}

gantry_result_t try_to_watch(Instance& instance, int fd) {
    Heard heard;
    gantry_watch_t watch{1, 1};
    const gantry_result_t result = instance.watches.watch(instance.watcher, fd, heard.events(), watch);
    if (result == GANTRY_OK) instance.watches.stop(watch);
    return result;
}

}  // namespace

TEST_CASE("watches: who does not read everything is called again", "[module]") {
    Instance instance;
    const Pair pair;
    Heard heard;
    begin(instance, pair.ours.get(), heard, EPOLLIN);
    CHECK_FALSE(instance.is_ready());
    pair.give(3);
    heard.on_read = [&] { pair.take(1); };
    for (int i = 1; i <= 3; ++i) {
        REQUIRE(instance.is_ready());
        instance.check();
        CHECK(heard.reads == i);
    }
    CHECK_FALSE(instance.is_ready());
    pair.give(1);
    CHECK(instance.is_ready());
}

TEST_CASE("watches: what is not wanted is not said", "[module]") {
    Instance instance;
    const Pair pair;
    Heard heard;
    const gantry_watch_t watch = begin(instance, pair.ours.get(), heard);
    pair.give(1);
    CHECK_FALSE(instance.is_ready());
    instance.watches.want(watch, EPOLLIN);
    CHECK(instance.is_ready());
    instance.watches.stop(watch, EPOLLIN);
    CHECK_FALSE(instance.is_ready());
    instance.watches.want(watch, EPOLLIN | EPOLLOUT);
    instance.check();
    CHECK((heard.reads == 1 && heard.writes == 1));
    heard.on_write = [&] { instance.watches.stop(watch, EPOLLIN | EPOLLOUT); };
    instance.check();
    CHECK((heard.reads == 2 && heard.writes == 2));
    CHECK_FALSE(instance.is_ready());
}

TEST_CASE("watches: what one of them stops is not said to the other", "[module]") {
    Instance instance;
    const Pair first, second;
    Heard a, b;
    std::array<gantry_watch_t, 2> watches{begin(instance, first.ours.get(), a, EPOLLIN | EPOLLOUT),
                                          begin(instance, second.ours.get(), b, EPOLLIN)};
    first.give(1);
    second.give(1);
    const auto stop_all = [&] {
        for (const gantry_watch_t watch : watches) instance.watches.stop(watch);
    };
    a.on_read = b.on_read = stop_all;
    instance.check();
    CHECK(a.reads + b.reads == 1);
    CHECK(a.writes == 0);
    CHECK(instance.watches.active() == 0);
    CHECK_FALSE(instance.is_ready());
    CHECK(instance.watches.stop(watches[0]) == GANTRY_ERROR_STALE);
    CHECK(instance.watches.want(watches[0], EPOLLIN) == GANTRY_ERROR_STALE);
    CHECK((a.ends == 0 && b.ends == 0));
}

// As hiredis does: what is called frees its connection, and with it what was to be called next.
TEST_CASE("watches: everything may be freed from within", "[module]") {
    Instance instance;
    struct Connection {
        Instance& instance;
        Pair pair;
        gantry_watch_t watch{};
        bool& is_freed;
    };
    bool is_freed = false;
    auto* connection = new Connection{instance, {}, {}, is_freed};
    gantry_fd_events_t events{};
    events.size = sizeof events;
    events.state = connection;
    events.on_readable = [](void* state) noexcept {
        auto* self = static_cast<Connection*>(state);
        self->instance.watches.stop(self->watch);
        for (int i = 0; i < 100; ++i) {  // the places move meanwhile
            gantry_watch_t timer{};
            self->instance.watches.after(
                self->instance.watcher, 1'000'000 * kMilli, nullptr, [](void*) noexcept {}, timer);
        }
        self->is_freed = true;
        delete self;
    };
    events.on_writable = [](void*) noexcept { FAIL("it was freed"); };
    REQUIRE(instance.watches.watch(instance.watcher, connection->pair.ours.get(), events,
                                   connection->watch) == GANTRY_OK);
    instance.watches.want(connection->watch, EPOLLIN | EPOLLOUT);
    connection->pair.give(1);
    instance.check();
    CHECK(is_freed);
    CHECK(instance.watches.active() == 100);
}

TEST_CASE("watches: errors and the end are said to whoever waits", "[module]") {
    Instance instance;
    Pair pair;
    Heard heard;
    const gantry_watch_t watch = begin(instance, pair.ours.get(), heard);
    pair.theirs.reset();
    for (int i = 0; i < 3 && instance.is_ready(); ++i) instance.check();
    CHECK_FALSE(instance.is_ready());  // nobody wants to know, and it does not come again and again
    CHECK((heard.reads == 0 && heard.writes == 0));
    instance.watches.want(watch, EPOLLOUT);
    instance.check();
    CHECK((heard.reads == 0 && heard.writes == 1));
    instance.watches.stop(watch, EPOLLOUT);
    instance.watches.want(watch, EPOLLIN);
    instance.check();
    CHECK((heard.reads == 1 && heard.writes == 1));
}

TEST_CASE("watches: what cannot be watched is refused", "[module]") {
    Instance instance;
    const Pair pair;
    CHECK(try_to_watch(instance, -1) == GANTRY_ERROR_ARGUMENT);
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK(try_to_watch(instance, file.get()) == GANTRY_ERROR_ARGUMENT);
    const UniqueFd folder(::open("/", O_RDONLY | O_CLOEXEC));
    CHECK(try_to_watch(instance, folder.get()) == GANTRY_ERROR_ARGUMENT);
    CHECK(try_to_watch(instance, instance.watches.fd()) == GANTRY_ERROR_ARGUMENT);
    Heard heard;
    const gantry_watch_t watch = begin(instance, pair.ours.get(), heard, EPOLLIN);
    CHECK(try_to_watch(instance, pair.ours.get()) == GANTRY_ERROR_STATE);
    pair.give(1);
    instance.check();
    CHECK(heard.reads == 1);  // the first one is as it was
    CHECK(instance.watches.active() == 1);
    CHECK(instance.watches.want({watch.place + (1ull << 32), watch.serial}, EPOLLIN) == GANTRY_ERROR_STATE);
    gantry_fd_events_t reads = heard.events();
    reads.on_writable = nullptr;
    instance.watches.stop(watch);
    gantry_watch_t reader{};
    REQUIRE(instance.watches.watch(instance.watcher, pair.ours.get(), reads, reader) == GANTRY_OK);
    CHECK(instance.watches.want(reader, EPOLLOUT) == GANTRY_ERROR_ARGUMENT);
}

TEST_CASE("watches: no more than there may be", "[module]") {
    Instance instance;
    gantry_watch_t timer{};
    const auto run = [](void*) noexcept {};
    for (std::uint32_t i = 0; i < GANTRY_WATCHES_MAX; ++i)
        REQUIRE(instance.watches.after(instance.watcher, 1'000'000 * kMilli, nullptr, run, timer) ==
                GANTRY_OK);
    CHECK(instance.watches.after(instance.watcher, kMilli, nullptr, run, timer) == GANTRY_ERROR_LIMIT);
    const Pair pair;
    CHECK(try_to_watch(instance, pair.ours.get()) == GANTRY_ERROR_LIMIT);
}

TEST_CASE("watches: a descriptor that was closed without a word", "[module]") {
    Instance instance;
    Pair pair;
    Heard lost, heard;
    const gantry_watch_t forgotten = begin(instance, pair.ours.get(), lost, EPOLLIN);
    const int number = pair.ours.get();
    const UniqueFd copy(::dup(number));  // so that the kernel goes on watching
    pair.give(1);
    pair.ours.reset();
    Pair other;
    REQUIRE(::dup2(other.ours.get(), number) == number);
    const gantry_watch_t watch = begin(instance, number, heard, EPOLLIN);
    CHECK(instance.watches.active() == 1);
    CHECK(instance.watches.stop(forgotten) == GANTRY_ERROR_STALE);
    for (int i = 0; i < 3 && instance.is_ready(); ++i) instance.check();
    CHECK_FALSE(instance.is_ready());
    CHECK(lost.reads == 0);
    other.give(1);
    instance.check();
    CHECK(heard.reads == 1);
    ::close(number);
    CHECK(instance.watches.want(watch, EPOLLOUT) == GANTRY_ERROR_ARGUMENT);
    CHECK(instance.watches.stop(watch) == GANTRY_OK);
}

TEST_CASE("watches: timers ring once, in their order, and late ones not at all when they are stopped",
          "[module]") {
    Instance instance;
    static std::string rung;
    static gantry_watch_t second;
    static Instance* at;
    at = &instance;
    rung.clear();
    gantry_watch_t timer{};
    const auto ring = [](void* name) noexcept { rung += static_cast<const char*>(name); };
    const auto start = [&](std::uint64_t millis, const char* name, void (*run)(void*) noexcept) {
        REQUIRE(instance.watches.after(instance.watcher, millis * kMilli, const_cast<char*>(name), run,
                                       timer) == GANTRY_OK);
        return timer;
    };
    start(4, "c", ring);
    start(1, "a", [](void* name) noexcept {
        rung += static_cast<const char*>(name);
        at->watches.stop(second);
    });
    second = start(3, "b", ring);
    start(std::numeric_limits<std::uint64_t>::max() / kMilli, "never", ring);
    CHECK(instance.watches.want(timer, EPOLLIN) == GANTRY_ERROR_ARGUMENT);
    while (rung.find('c') == rung.npos) {
        REQUIRE(instance.is_ready(2000));
        instance.check();
    }
    CHECK(rung == "ac");
    CHECK(instance.watches.active() == 1);
    CHECK(instance.watches.stop(timer) == GANTRY_OK);
    CHECK(instance.watches.stop(timer) == GANTRY_ERROR_STALE);
    start(0, "d", ring);
    REQUIRE(instance.is_ready(2000));
    instance.check();
    CHECK(rung == "acd");
}

TEST_CASE("watches: those of an instance end before it does", "[module]") {
    Instance instance;
    module::Kept kept;
    gantry_watcher_t other;
    other.module = &instance.module;
    other.kept = &kept;
    const Pair first, second, third;
    Heard a, b, c;
    begin(instance, first.ours.get(), a, EPOLLIN);
    const gantry_watch_t stopped = begin(instance, second.ours.get(), b, EPOLLIN);
    gantry_watch_t stays{};
    REQUIRE(instance.watches.watch(other, third.ours.get(), c.events(), stays) == GANTRY_OK);
    gantry_watch_t timer{};
    instance.watches.after(
        instance.watcher, 0, &a, [](void* heard) noexcept { ++static_cast<Heard*>(heard)->reads; }, timer);
    a.on_end = [&] {
        CHECK(instance.watches.stop(stopped) == GANTRY_OK);
        CHECK(try_to_watch(instance, first.ours.get()) == GANTRY_ERROR_STALE);
    };
    instance.watcher.is_over = true;
    instance.watches.end_of(instance.kept);
    CHECK((a.ends == 1 && b.ends == 0 && c.ends == 0));
    first.give(1);
    second.give(1);
    while (instance.is_ready(5)) instance.check();
    CHECK((a.reads == 0 && b.reads == 0));
    CHECK(instance.watches.active() == 1);
}

TEST_CASE("watches: all end with their thread, and nothing is begun any more", "[module]") {
    Instance instance;
    const Pair first, second;
    Heard a, b;
    {
        Watches watches(8);
        gantry_watch_t one{}, other{};
        REQUIRE(watches.watch(instance.watcher, first.ours.get(), a.events(), one) == GANTRY_OK);
        REQUIRE(watches.watch(instance.watcher, second.ours.get(), b.events(), other) == GANTRY_OK);
        a.on_end = [&] {
            gantry_watch_t again{};
            CHECK(watches.watch(instance.watcher, first.ours.get(), a.events(), again) == GANTRY_ERROR_STATE);
            CHECK(watches.stop(other) == GANTRY_OK);
        };
    }
    CHECK((a.ends == 1 && b.ends == 0));
}

TEST_CASE("watches: who waits for the set is told of it, and may say no", "[module]") {
    Instance instance;
    const Pair pair;
    Heard heard;
    bool is_possible = false;
    int told = 0;
    Watches watches(8, [&](int fd) {
        ++told;
        CHECK(fd >= 0);
        return is_possible;
    });
    gantry_watch_t watch{};
    CHECK(watches.watch(instance.watcher, pair.ours.get(), heard.events(), watch) == GANTRY_ERROR_LIMIT);
    CHECK(watches.fd() == -1);
    is_possible = true;
    CHECK(watches.watch(instance.watcher, pair.ours.get(), heard.events(), watch) == GANTRY_OK);
    CHECK(told == 2);
}
