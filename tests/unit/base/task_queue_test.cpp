#include "core/base/task_queue.hpp"

#include "tests/support/catch.hpp"

#include <poll.h>
#include <thread>

using gantry::TaskQueue;

namespace {
bool is_readable(int fd) {
    pollfd waits{fd, POLLIN, 0};
    return ::poll(&waits, 1, 0) == 1;
}
}  // namespace

TEST_CASE("tasks run on the thread that asks for it, in their order") {
    TaskQueue queue;
    CHECK_FALSE(is_readable(queue.fd()));
    std::vector<int> ran;
    std::thread other([&] {
        for (int i = 0; i < 100; ++i) queue.post([&ran, i] { ran.push_back(i); });
    });
    other.join();
    CHECK(is_readable(queue.fd()));
    queue.run();
    REQUIRE(ran.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
    CHECK_FALSE(is_readable(queue.fd()));
}

TEST_CASE("what a task posts waits for the next turn") {
    TaskQueue queue;
    int turns = 0;
    queue.post([&] {
        ++turns;
        queue.post([&] { ++turns; });
    });
    queue.run();
    CHECK(turns == 1);
    CHECK(is_readable(queue.fd()));
    queue.run();
    CHECK(turns == 2);
}
