#include "core/store/service.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <future>

using namespace gantry::store;

namespace {

Answer ask(Service& service, Operation operation) {
    std::promise<Answer> answer;
    REQUIRE(
        service.submit("m", std::move(operation), [&](Answer&& got) { answer.set_value(std::move(got)); }));
    return answer.get_future().get();
}

}  // namespace

TEST_CASE("a service answers many threads, each in its order") {
    TempDir folder;
    Service service;
    service.set_place({folder.path() + "/store.db", Durability::Normal});
    constexpr int kThreads = 4, kEach = 500;
    std::atomic<int> answered{0}, out_of_order{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (std::int64_t i = 1; i <= kEach; ++i) {
                const auto check = [&, i](Answer&& answer) {
                    if (answer.count != i) ++out_of_order;
                    ++answered;
                };
                if (!service.submit("m", Add{std::string(1, static_cast<char>('a' + t)), 1, 0}, check))
                    ++out_of_order;
                if (!service.submit("m", Add{"all", 1, 0}, [&](Answer&&) { ++answered; })) ++out_of_order;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(ask(service, Add{"all", 0, 0}).count == kThreads * kEach);
    CHECK(answered == 2 * kThreads * kEach);
    CHECK(out_of_order == 0);
}

TEST_CASE("a service does what waits before it ends, and refuses what comes later") {
    TempDir folder;
    const Place place{folder.path() + "/store.db", Durability::Full};
    int answered = 0;
    {
        Service service;
        for (int i = 0; i < 100; ++i)
            REQUIRE(service.submit("m", Add{"n", 1, 0}, [&](Answer&&) { ++answered; }));
        service.set_place(place);  // all of them were early
        service.finish();
        CHECK(answered == 100);
        CHECK_FALSE(service.submit("m", Get{"n"}, [](Answer&&) {}));
    }
    Service again;
    again.set_place(place);
    CHECK(ask(again, Add{"n", 0, 0}).count == 100);
}

TEST_CASE("a service without a place answers when it ends") {
    Outcome outcome = Outcome::Done;
    Service service;
    REQUIRE(service.submit("m", Get{"n"}, [&](Answer&& answer) { outcome = answer.outcome; }));
    service.finish();
    CHECK(outcome == Outcome::Unavailable);
}

TEST_CASE("a service takes so many operations and bytes, and no more") {
    Service few(3);
    int answered = 0;
    for (int i = 0; i < 3; ++i) CHECK(few.submit("m", Get{"n"}, [&](Answer&&) { ++answered; }));
    CHECK_FALSE(few.submit("m", Get{"n"}, [&](Answer&&) { ++answered; }));
    few.finish();
    CHECK(answered == 3);

    Service small(10, 10'000);
    CHECK(small.submit("m", Put{"n", std::string(9'000, 'x')}, [](Answer&&) {}));
    CHECK_FALSE(small.submit("m", Put{"n", std::string(2'000, 'x')}, [](Answer&&) {}));
    CHECK(small.submit("m", Put{"n", "x"}, [](Answer&&) {}));
}

TEST_CASE("a service goes on by itself when its place is in order again, and moves to another") {
    TempDir folder;
    const std::string file = folder.path() + "/store.db";
    REQUIRE(std::system(("head -c 8192 /dev/urandom > " + file).c_str()) == 0);
    Service service;
    service.set_place({file, Durability::Normal});
    CHECK(ask(service, Put{"n", "1"}).outcome == Outcome::Unavailable);
    REQUIRE(std::remove(file.c_str()) == 0);
    // It does not try at each operation, so that a broken disk is not made to work harder.
    Answer answer;
    do answer = ask(service, Put{"n", "1"});
    while (answer.outcome != Outcome::Done);

    service.set_place({folder.path() + "/other.db", Durability::Full});
    CHECK(ask(service, Get{"n"}).outcome == Outcome::Absent);
    service.set_place({file, Durability::Full});
    CHECK(ask(service, Get{"n"}).outcome == Outcome::Done);
}
