#include "core/net/worker.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace gantry;
using net::Worker;

namespace {

struct Task final : net::Postponed {
    explicit Task(std::vector<int>& log, int number) : log_(log), number_(number) {}
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
    Task one(log, 1), two(log, 2), gone(log, 9);
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
    std::vector<Task> tasks;
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
