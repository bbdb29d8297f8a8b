#include "core/module/cost.hpp"

#include "core/base/log.hpp"
#include "core/module/module.hpp"

#include <ctime>
#include <vector>

namespace gantry::module {
namespace {

constexpr std::uint64_t kSampleEvery = 64;  // a power of two

std::atomic<std::int64_t> call_limit{100'000'000};  // nanoseconds
std::atomic<std::int64_t> may_tell_at{0};           // monotonic

// A quarter of what the exact one costs, and exact to a few milliseconds: enough to find who takes too long.
std::int64_t coarse_nanos() {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

void add(std::atomic<std::uint64_t>& count, std::uint64_t amount) {
    count.store(count.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// How many there were before.
std::uint64_t count_call(Costs::Cell& cell) {
    const std::uint64_t calls = cell.calls.load(std::memory_order_relaxed);
    cell.calls.store(calls + 1, std::memory_order_relaxed);
    return calls;
}

// Once a second at the most: a module that is slow is so again and again.
void tell(const Module& module, const char* what, const char* name, std::int64_t nanos) {
    const std::int64_t now = coarse_nanos();
    std::int64_t due = may_tell_at.load(std::memory_order_relaxed);
    if (now < due || !may_tell_at.compare_exchange_strong(due, now + 1'000'000'000)) return;
    log::warn(
        "a module held its worker up module={} in={}{}{} for={}ms: what has to wait belongs into "
        "run_blocking()",
        module.name, what, *name == '\0' ? "" : " ", name, nanos / 1'000'000);
}

}  // namespace

Costs::Costs() {
    static std::atomic<std::size_t> last{0};
    number_ = last.fetch_add(1);
}

Costs::Cell& Costs::here() {
    thread_local std::vector<Cell*> cells;
    if (number_ < cells.size() && cells[number_] != nullptr) return *cells[number_];
    if (number_ >= cells.size()) cells.resize(number_ + 1);
    const std::lock_guard lock(mutex_);
    cells[number_] = &cells_.emplace_back();
    return *cells[number_];
}

void Costs::count_failure() {
    add(here().failures, 1);
}

Cost Costs::sum() const {
    Cost cost;
    std::uint64_t sampled = 0, nanos = 0;
    const std::lock_guard lock(mutex_);
    for (const Cell& cell : cells_) {
        cost.calls += cell.calls.load(std::memory_order_relaxed);
        cost.slow += cell.slow.load(std::memory_order_relaxed);
        cost.failures += cell.failures.load(std::memory_order_relaxed);
        sampled += cell.sampled.load(std::memory_order_relaxed);
        nanos += cell.nanos.load(std::memory_order_relaxed);
    }
    if (sampled > 0) {
        cost.nanos = static_cast<std::uint64_t>(static_cast<double>(nanos) / static_cast<double>(sampled) *
                                                static_cast<double>(cost.calls));
    }
    return cost;
}

void set_call_limit(Millis limit) {
    call_limit.store(limit * 1'000'000, std::memory_order_relaxed);
}

AtWork::AtWork(const Module& module, const char* what, const char* name)
    : module_(module),
      what_(what),
      name_(name),
      cell_(module.costs.here()),
      is_sample_(count_call(cell_) % kSampleEvery == 0),
      began_(is_sample_ ? monotonic_nanos() : coarse_nanos()) {}

AtWork::~AtWork() {
    const std::int64_t took = (is_sample_ ? monotonic_nanos() : coarse_nanos()) - began_;
    if (is_sample_) {
        add(cell_.sampled, 1);
        add(cell_.nanos, static_cast<std::uint64_t>(took));
    }
    const std::int64_t limit = call_limit.load(std::memory_order_relaxed);
    if (limit == 0 || took < limit) return;
    add(cell_.slow, 1);
    tell(module_, what_, name_, took);
}

}  // namespace gantry::module
