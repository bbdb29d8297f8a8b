// gantry.async/1 and gantry.timer/1 of a fake host: nothing runs before the test says so.
#pragma once

#include "gantry/fake/drive.hpp"

#include <algorithm>

namespace gantry::fake::detail {

struct AsyncTable {
    static gantry_ticket_t suspend(gantry_exchange_t* raw, void* state,
                                   void (*drop)(void*) noexcept) noexcept {
        ExchangeState& exchange = ExchangeState::of(raw);
        if (!exchange.host->is_right_thread("suspend")) return {0, 0};
        if (!exchange.is_in_hook || exchange.sleep.is_asleep) {
            exchange.host->violation("suspend() is for a hook, and once in it");
            return {0, 0};
        }
        exchange.sleep = {true, ++exchange.host->last_serial, state, drop};
        return {exchange.number, exchange.sleep.serial};
    }

    static gantry_result_t resume(const gantry_host_t* raw, gantry_ticket_t ticket,
                                  gantry_verdict_t verdict) noexcept {
        State& host = State::of(raw);
        if (std::this_thread::get_id() == host.thread) return resume_here(host, ticket, verdict);
        later(host, [&host, ticket, verdict] { resume_here(host, ticket, verdict); });
        return GANTRY_OK;
    }
    static gantry_result_t resume_here(State& host, gantry_ticket_t ticket, gantry_verdict_t verdict) {
        ExchangeState* exchange = host.asleep(ticket);
        if (exchange == nullptr) return GANTRY_ERROR_STALE;
        Drive::resume(*exchange, verdict);
        return GANTRY_OK;
    }

    static gantry_exchange_t* exchange_of(const gantry_host_t* raw, gantry_ticket_t ticket) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("exchange_of")) return nullptr;
        ExchangeState* exchange = host.asleep(ticket);
        return exchange == nullptr ? nullptr : exchange->raw();
    }

    static gantry_result_t post(const gantry_host_t* raw, gantry_ticket_t, void* state,
                                void (*run)(void*) noexcept) noexcept {
        later(State::of(raw), [state, run] { run(state); });
        return GANTRY_OK;
    }
    static void later(State& host, std::function<void()> run) {
        const std::lock_guard lock{host.mutex};
        host.posted.push_back(std::move(run));
    }

    static gantry_result_t run_blocking(const gantry_host_t* raw, void* state,
                                        void (*work)(void*) noexcept) noexcept {
        State& host = State::of(raw);
        const std::lock_guard lock{host.mutex};
        if (host.blocking.size() >= host.blocking_limit) return GANTRY_ERROR_LIMIT;
        host.blocking.push_back([state, work] { work(state); });
        return GANTRY_OK;
    }

    // Everything that was posted, also by what runs now.
    static void run_posted(State& host) {
        rest_all(host);
        while (auto run = next(host, host.posted)) {
            run();
            rest_all(host);
        }
    }
    // What came for exchanges while something was at work.
    static void rest_all(State& host) {
        for (std::size_t i = 0; i < host.exchanges.size(); ++i) Drive::rest(*host.exchanges[i]);
    }
    // Each on a thread of its own, one after another, so that a test is the same each time.
    static void run_blocking_work(State& host) {
        while (auto work = next(host, host.blocking)) std::thread{work}.join();
    }
    static std::function<void()> next(State& host, std::deque<std::function<void()>>& queue) {
        const std::lock_guard lock{host.mutex};
        if (queue.empty()) return {};
        auto first = std::move(queue.front());
        queue.pop_front();
        return first;
    }

    static constexpr gantry_async_1_t kTable{
        sizeof(gantry_async_1_t), &suspend, &resume, &exchange_of, &post, &run_blocking};
};

struct TimerTable {
    inline static State* latest = nullptr;  // monotonic() has no argument

    static gantry_result_t resume_after(const gantry_host_t* raw, gantry_ticket_t ticket, std::uint64_t delay,
                                        gantry_verdict_t verdict) noexcept {
        State& host = State::of(raw);
        return add_for(host, ticket, delay, "resume_after",
                       [&host, ticket, verdict] { AsyncTable::resume_here(host, ticket, verdict); });
    }
    static gantry_result_t run_after(const gantry_host_t* raw, gantry_ticket_t ticket, std::uint64_t delay,
                                     void* state, void (*run)(void*) noexcept) noexcept {
        return add_for(State::of(raw), ticket, delay, "run_after", [state, run] { run(state); });
    }
    static gantry_result_t add_for(State& host, gantry_ticket_t ticket, std::uint64_t delay,
                                   const char* function, std::function<void()> run) {
        if (!host.is_right_thread(function)) return GANTRY_ERROR_STATE;
        if (host.asleep(ticket) == nullptr) return GANTRY_ERROR_STALE;
        host.timers.push_back({host.now + delay, ++host.last_timer, 0, ticket, std::move(run)});
        return GANTRY_OK;
    }

    static gantry_result_t every(const gantry_host_t* raw, std::uint64_t interval, void* state,
                                 void (*run)(void*) noexcept, std::uint64_t* id) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("every")) return GANTRY_ERROR_STATE;
        if (interval < 1'000'000) return GANTRY_ERROR_ARGUMENT;
        *id = ++host.last_timer;
        host.timers.push_back({host.now + interval, *id, interval, {0, 0}, [state, run] { run(state); }});
        return GANTRY_OK;
    }
    static gantry_result_t cancel(const gantry_host_t* raw, std::uint64_t id) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("cancel")) return GANTRY_ERROR_STATE;
        const auto gone = std::erase_if(
            host.timers, [id](const Timer& timer) { return timer.id == id && timer.interval != 0; });
        return gone == 0 ? GANTRY_ERROR_STALE : GANTRY_OK;
    }
    static std::uint64_t monotonic() noexcept { return latest == nullptr ? 0 : latest->now; }

    // Moves the clock, and stops at each timer that is due on the way.
    static void advance(State& host, std::uint64_t nanoseconds) {
        const std::uint64_t end = host.now + nanoseconds;
        AsyncTable::run_posted(host);
        for (;;) {
            const auto next = std::min_element(
                host.timers.begin(), host.timers.end(),
                [](const Timer& a, const Timer& b) { return a.due != b.due ? a.due < b.due : a.id < b.id; });
            if (next == host.timers.end() || next->due > end) break;
            host.now = next->due;
            const Timer timer = *next;
            if (timer.interval != 0) {
                next->due += timer.interval;
            } else {
                host.timers.erase(next);
            }
            if (timer.interval != 0 || timer.is_of_host || host.asleep(timer.ticket) != nullptr) timer.run();
            AsyncTable::run_posted(host);
        }
        host.now = end;
    }

    static constexpr gantry_timer_1_t kTable{
        sizeof(gantry_timer_1_t), &resume_after, &every, &cancel, &monotonic, &run_after};
};

}  // namespace gantry::fake::detail
