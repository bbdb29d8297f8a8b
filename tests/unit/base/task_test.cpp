#include "core/base/task.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

using gantry::Task;

TEST_CASE("a task does what it was made of, as often as it is asked") {
    int done = 0;
    Task task([&done] { ++done; });
    task();
    task();
    CHECK(done == 2);
    int counted = 0;
    Task counts([&counted, own = 0]() mutable { counted = ++own; });
    counts();
    counts();
    CHECK(counted == 2);
}

TEST_CASE("a task owns what it was given, wherever it is moved, and lets go of it once") {
    const auto owned = std::make_shared<int>(7);
    int seen = 0;
    SECTION("small") {
        Task task([owned, only = std::make_unique<int>(1), &seen] { seen = *owned + *only; });
        CHECK(owned.use_count() == 2);
        std::vector<Task> tasks;
        for (int i = 0; i < 5; ++i) tasks.emplace_back([] {});  // grows, and moves them
        tasks[3] = std::move(task);
        tasks.erase(tasks.begin());
        tasks[2]();
        CHECK(seen == 8);
        CHECK(owned.use_count() == 2);
    }
    SECTION("large") {
        std::array<char, Task::kInline + 1> much{};
        much.back() = 3;
        Task task([owned, much, &seen] { seen = *owned + much.back(); });
        Task moved(std::move(task));
        task = Task([] {});
        moved();
        CHECK(seen == 10);
        CHECK(owned.use_count() == 2);
        moved = Task();
        CHECK(owned.use_count() == 1);
    }
    CHECK(owned.use_count() == 1);
}

TEST_CASE("what may fail when it is moved, or wants more room between, is a task as well") {
    struct Throws {
        explicit Throws(int& to) : done(&to) {}
        Throws(const Throws&) = default;
        Throws(Throws&& other) noexcept(false) : done(other.done) {}
        void operator()() const { ++*done; }
        int* done;
    };
    struct alignas(64) Wide {
        int* done;
        void operator()() const { *done += reinterpret_cast<std::uintptr_t>(this) % 64 == 0 ? 1 : 100; }
    };
    int done = 0;
    std::vector<Task> tasks;
    tasks.emplace_back(Throws(done));
    tasks.emplace_back(Wide{&done});
    for (Task& task : tasks) task();
    CHECK(done == 2);
}
