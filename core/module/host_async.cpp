// gantry.async/1
#include "core/module/extensions.hpp"
#include "core/module/hooks.hpp"
#include "core/server/worker_context.hpp"

namespace gantry::module {
namespace {

gantry_ticket_t suspend(gantry_exchange_t* exchange, void* state, void (*drop)(void*) noexcept) noexcept {
    if (exchange_of(exchange).is_suspended()) return {0, 0};  // stale from the start
    return handle_of(exchange_of(exchange).suspend(state, drop));
}

}  // namespace

void wake(const server::Ticket& ticket, gantry_verdict_t verdict) {
    server::WorkerContext* const worker = server::WorkerContext::here();
    server::Exchange* const exchange = worker == nullptr ? nullptr : worker->sleeper(ticket);
    if (exchange == nullptr) return;
    const server::Exchange::Hold hold(*exchange);
    switch (verdict) {
        case GANTRY_NEXT:
            worker->wake(ticket, server::Verdict::Next);
            return;
        case GANTRY_AGAIN:
            worker->wake(ticket, server::Verdict::Again);
            return;
        case GANTRY_DONE:
            if (!exchange->is_answered())
                return fail_sleeper(*exchange, ticket, "it was woken without an answer");
            worker->wake(ticket, server::Verdict::Done);
            return;
        default:
            fail_sleeper(*exchange, ticket, "it failed while it waited");
    }
}

namespace {

// Never within the call: a hook may resume before it has returned GANTRY_WAIT.
gantry_result_t resume(const gantry_host_t* host, gantry_ticket_t handle, gantry_verdict_t verdict) noexcept {
    const server::Ticket ticket = ticket_of(handle);
    server::WorkerContext* const worker = server::WorkerContext::here();
    const bool is_own = worker != nullptr && worker->net().index() == ticket.worker;
    if (is_own && worker->sleeper(ticket) == nullptr) return GANTRY_ERROR_STALE;
    const bool is_posted =
        module_of(host).services->post_to_worker(ticket.worker, [ticket, verdict] { wake(ticket, verdict); });
    return is_posted ? GANTRY_OK : GANTRY_ERROR_STATE;
}

gantry_exchange_t* exchange_of_ticket(const gantry_host_t* /*host*/, gantry_ticket_t ticket) noexcept {
    server::WorkerContext* const worker = server::WorkerContext::here();
    server::Exchange* const exchange = worker == nullptr ? nullptr : worker->sleeper(ticket_of(ticket));
    return exchange == nullptr ? nullptr : handle_of(*exchange);
}

gantry_result_t post(const gantry_host_t* host, gantry_ticket_t ticket, void* state,
                     void (*run)(void*) noexcept) noexcept {
    if (run == nullptr) return GANTRY_ERROR_ARGUMENT;
    const Module& module = module_of(host);
    const bool is_posted = module.services->post_to_worker(
        ticket_of(ticket).worker, [&module, sleeper = ticket_of(ticket), state, run] {
            run_beside(module, sleeper, "what it posted", [&] { run(state); });
        });
    return is_posted ? GANTRY_OK : GANTRY_ERROR_STATE;
}

gantry_result_t run_blocking(const gantry_host_t* host, void* state, void (*work)(void*) noexcept) noexcept {
    if (work == nullptr) return GANTRY_ERROR_ARGUMENT;
    net::BlockingPool* const pool = module_of(host).services->blocking;
    if (pool == nullptr) return GANTRY_ERROR_STATE;
    return pool->submit([state, work] { work(state); }) ? GANTRY_OK : GANTRY_ERROR_LIMIT;
}

}  // namespace

const gantry_async_1_t kAsync = {sizeof(gantry_async_1_t), &suspend, &resume,
                                 &exchange_of_ticket,      &post,    &run_blocking};

}  // namespace gantry::module
