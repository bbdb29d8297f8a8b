// A coroutine hook takes nothing from the heap, from its first wait to its end: all of it is the exchange's. The host
// here is the least that can drive one, as the fake host takes memory itself.
#include "gantry/fake/check.hpp"
#include "gantry/gantry.hpp"

#include <chrono>
#include <cstdlib>
#include <new>

namespace {
std::size_t allocations = 0;
}

// Not inlined: g++ takes the pairs apart then, and says that they do not match.
__attribute__((noinline)) void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc{};
}
__attribute__((noinline)) void operator delete(void* memory) noexcept {
    std::free(memory);
}
__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

using gantry::Exchange;
using gantry::Task;
using gantry::Verdict;

// The exchange of this host: an arena, a ticket, a timer, a verdict.
alignas(std::max_align_t) char arena[16 * 1024];
std::size_t used = 0;
void* sleeping = nullptr;
void (*drop)(void*) GANTRY_NOEXCEPT = nullptr;
void* timer_state = nullptr;
void (*timer_run)(void*) GANTRY_NOEXCEPT = nullptr;
gantry_verdict_t resumed_with = -1;

void* allocate(gantry_exchange_t*, std::size_t size) noexcept {
    const std::size_t begin = used;
    used += (size + 15) / 16 * 16;
    return used <= sizeof(arena) ? arena + begin : nullptr;
}
gantry_ticket_t suspend(gantry_exchange_t*, void* state, void (*when_over)(void*) GANTRY_NOEXCEPT) noexcept {
    sleeping = state;
    drop = when_over;
    return {1, 1};
}
gantry_result_t resume(const gantry_host_t*, gantry_ticket_t, gantry_verdict_t verdict) noexcept {
    resumed_with = verdict;
    drop(std::exchange(sleeping, nullptr));
    return GANTRY_OK;
}
gantry_result_t run_after(const gantry_host_t*, gantry_ticket_t, std::uint64_t, void* state,
                          void (*run)(void*) GANTRY_NOEXCEPT) noexcept {
    timer_state = state;
    timer_run = run;
    return GANTRY_OK;
}

const void* get_extension(const gantry_host_t*, const char* id) noexcept {
    static const gantry_http_1_t http = [] {
        gantry_http_1_t table{};
        table.size = sizeof(table);
        table.allocate = &allocate;
        return table;
    }();
    static const gantry_async_1_t async{
        sizeof(gantry_async_1_t), &suspend, &resume, nullptr, nullptr, nullptr};
    static const gantry_timer_1_t timer{
        sizeof(gantry_timer_1_t), nullptr, nullptr, nullptr, nullptr, &run_after};
    const std::string_view wanted{id};
    if (wanted == GANTRY_HTTP_1) return &http;
    if (wanted == GANTRY_ASYNC_1) return &async;
    if (wanted == GANTRY_TIMER_1) return &timer;
    return nullptr;
}

struct Waits {
    Task<int> inner(Exchange exchange, int number) const {
        co_await exchange.sleep(std::chrono::milliseconds{1});
        co_return number + 1;
    }
    Task<Verdict> access(Exchange exchange) const {
        co_await exchange.sleep(std::chrono::milliseconds{1});
        const int number = co_await inner(exchange, 1);
        co_return number == 2 ? Verdict::Next : Verdict::Fail;
    }
};

void test_no_heap() {
    gantry_host_t raw{sizeof(gantry_host_t), GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR, 0, "test", nullptr,
                      &get_extension};
    const gantry::Host host{&raw};
    gantry::detail::Place<Waits> place{&host, "test", std::make_unique<Waits>()};
    ::operator delete(::operator new(1));  // a call, which is not left out as a new-expression may be
    GANTRY_CHECK(allocations > 0);         // it counts

    allocations = 0;
    const auto verdict = gantry::Access<Waits>::run(nullptr, &place);
    while (timer_run != nullptr) std::exchange(timer_run, nullptr)(timer_state);
    GANTRY_CHECK_EQUAL(allocations, 0u);

    GANTRY_CHECK_EQUAL(verdict, GANTRY_WAIT);
    GANTRY_CHECK_EQUAL(resumed_with, GANTRY_NEXT);
    GANTRY_CHECK(sleeping == nullptr);
    GANTRY_CHECK(used > 0 && used < 2048);
}

}  // namespace

int main() {
    test_no_heap();
    return gantry::fake::result();
}
