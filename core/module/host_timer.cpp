// gantry.timer/1
#include "core/base/clock.hpp"
#include "core/module/extensions.hpp"
#include "core/net/wheel.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace gantry::module {
namespace {

class Waits;

// What it is for may be gone when its time has come: that is what tickets are for.
class Wait final : public net::Deadline {
public:
    explicit Wait(Waits& owner) : owner_(owner) {}
    ~Wait() override = default;

    server::Ticket ticket;
    gantry_verdict_t verdict = GANTRY_NEXT;
    void* state = nullptr;
    void (*run)(void*) noexcept = nullptr;  // null: the ticket is resumed
    const Module* module = nullptr;

private:
    void on_deadline() override;
    Waits& owner_;
};

// Of one worker: those that wait, and those that wait to be used again. They end with the worker.
class Waits {
public:
    explicit Waits(server::WorkerContext& worker) : worker_(worker) {}

    void start(const Module& module, const server::Ticket& ticket, std::uint64_t delay,
               gantry_verdict_t verdict, void* state, void (*run)(void*) noexcept) {
        if (free_.empty()) {
            all_.push_back(std::make_unique<Wait>(*this));
            free_.push_back(all_.back().get());
        }
        Wait& wait = *free_.back();
        free_.pop_back();
        wait.ticket = ticket;
        wait.verdict = verdict;
        wait.state = state;
        wait.run = run;
        wait.module = &module;
        const auto millis = static_cast<Millis>(std::min<std::uint64_t>(delay / kNanosPerMilli, 1u << 30));
        worker_.net().wheel().set(wait, worker_.net().now() + std::max<Millis>(millis, 1));
    }
    void give_back(Wait& wait) { free_.push_back(&wait); }
    server::WorkerContext& worker() { return worker_; }

private:
    server::WorkerContext& worker_;
    std::vector<std::unique_ptr<Wait>> all_;
    std::vector<Wait*> free_;
};

void Wait::on_deadline() {
    owner_.give_back(*this);
    const server::Ticket due = ticket;
    if (run == nullptr) return wake(due, verdict);
    void (*const task)(void*) noexcept = run;
    void* const with = state;
    const Module* const of = module;
    if (owner_.worker().sleeper(due) == nullptr) return;
    run_beside(*of, due, "a timer", [&] { task(with); });
}

gantry_result_t start(const gantry_host_t* host, server::Ticket ticket, std::uint64_t delay,
                      gantry_verdict_t verdict, void* state, void (*run)(void*) noexcept) {
    server::WorkerContext* const worker = server::WorkerContext::here();
    if (worker == nullptr) return GANTRY_ERROR_STATE;
    if (worker->sleeper(ticket) == nullptr) return GANTRY_ERROR_STALE;
    worker->local<Waits>().start(module_of(host), ticket, delay, verdict, state, run);
    return GANTRY_OK;
}

gantry_result_t resume_after(const gantry_host_t* host, gantry_ticket_t ticket, std::uint64_t delay,
                             gantry_verdict_t verdict) noexcept {
    return start(host, ticket_of(ticket), delay, verdict, nullptr, nullptr);
}

gantry_result_t run_after(const gantry_host_t* host, gantry_ticket_t ticket, std::uint64_t delay, void* state,
                          void (*run)(void*) noexcept) noexcept {
    if (run == nullptr) return GANTRY_ERROR_ARGUMENT;
    return start(host, ticket_of(ticket), delay, GANTRY_NEXT, state, run);
}

gantry_result_t every(const gantry_host_t* host, std::uint64_t interval, void* state,
                      void (*run)(void*) noexcept, std::uint64_t* id) noexcept {
    MainTimers* const timers = module_of(host).services->timers;
    if (run == nullptr || id == nullptr || interval < kNanosPerMilli) return GANTRY_ERROR_ARGUMENT;
    if (timers == nullptr) return GANTRY_ERROR_STATE;
    const auto millis = static_cast<Millis>(std::min<std::uint64_t>(interval / kNanosPerMilli, 1u << 30));
    *id = timers->every(millis, [state, run] { run(state); });
    return GANTRY_OK;
}

gantry_result_t cancel(const gantry_host_t* host, std::uint64_t id) noexcept {
    MainTimers* const timers = module_of(host).services->timers;
    if (timers == nullptr) return GANTRY_ERROR_STATE;
    return timers->cancel(id) ? GANTRY_OK : GANTRY_ERROR_STALE;
}

std::uint64_t monotonic() noexcept {
    return static_cast<std::uint64_t>(monotonic_nanos());
}

}  // namespace

const gantry_timer_1_t kTimer = {
    sizeof(gantry_timer_1_t), &resume_after, &every, &cancel, &monotonic, &run_after,
};

}  // namespace gantry::module
