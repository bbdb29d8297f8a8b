#include "core/net/worker.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace gantry;
using net::Worker;

namespace {

struct Late final : net::Postponed {
    explicit Late(std::vector<int>& log, int number) : log_(log), number_(number) {}
    void on_batch_end() override { log_.push_back(number_); }
    std::vector<int>& log_;
    int number_;
};

// Asks until the worker agrees, as it does now and then to see whether it pays.
void insist(Worker& worker, net::Postponed& task) {
    for (int i = 0; i < 10'000; ++i) {
        if (worker.postpone(task)) return;
    }
    FAIL("never postponed");
}

}  // namespace

TEST_CASE("worker: what is postponed runs behind the events that are known", "[net]") {
    Worker worker(0);
    std::vector<int> log;
    Late one(log, 1), two(log, 2), gone(log, 9);
    worker.post([&] {
        insist(worker, one);
        CHECK(worker.postpone(gone));  // the first one opened the batch
        CHECK(worker.postpone(two));
        worker.forget(gone);
        log.push_back(0);
    });
    worker.post([&] { log.push_back(0); });
    worker.post([&] { worker.post([&] { worker.stop(); }); });
    worker.run();
    CHECK(log == std::vector<int>{0, 0, 1, 2});
}

TEST_CASE("worker: batches are bounded, and not waited for where nothing comes together", "[net]") {
    Worker worker(0);
    std::vector<int> log;
    std::vector<Late> tasks;
    for (int i = 0; i < 100; ++i) tasks.emplace_back(log, i);
    worker.post([&] {
        CHECK_FALSE(worker.postpone(tasks[0]));
        insist(worker, tasks[0]);
        std::size_t taken = 1;
        while (taken < tasks.size() && worker.postpone(tasks[taken])) ++taken;
        CHECK(taken > 1);
        CHECK(taken < tasks.size());
        worker.post([&, taken] {
            worker.post([&, taken] {
                CHECK(log.size() == taken);
                CHECK(worker.postpone(tasks[0]));  // the last batch was worth it
                worker.forget(tasks[0]);
                worker.stop();
            });
        });
    });
    worker.run();
}

TEST_CASE("worker: what threads post runs once, in the order of its thread", "[net]") {
    constexpr int kThreads = 4, kTasks = 5'000;
    Worker worker(0);
    std::vector<std::vector<int>> seen(kThreads);
    std::atomic<int> left{kThreads * kTasks};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            for (int number = 0; number < kTasks; ++number) {
                worker.post([&, i, number] {
                    seen[static_cast<std::size_t>(i)].push_back(number);
                    if (--left == 0) worker.stop();
                });
            }
        });
    }
    worker.run();
    for (std::thread& thread : threads) thread.join();
    for (const auto& numbers : seen) {
        REQUIRE(numbers.size() == kTasks);
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    }
}

TEST_CASE("worker: what never runs is let go of", "[net]") {
    const auto owned = std::make_shared<int>(1);
    {
        Worker worker(0);
        struct Posts {  // when it goes
            std::shared_ptr<int> owned;
            Worker* worker;
            Posts(std::shared_ptr<int> what, Worker& where) : owned(std::move(what)), worker(&where) {}
            Posts(Posts&& other) noexcept : owned(std::move(other.owned)), worker(other.worker) {}
            ~Posts() {
                if (owned) worker->post([owned = std::move(owned)] {});
            }
            void operator()() const {}
        };
        worker.post([] {});
        worker.post(Posts(owned, worker));
        CHECK(owned.use_count() == 2);
    }
    CHECK(owned.use_count() == 1);
}
