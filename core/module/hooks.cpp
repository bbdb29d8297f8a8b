#include "core/module/hooks.hpp"

#include "core/base/log.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"

namespace gantry::module {
namespace {

thread_local int depth = 0;

struct Inside {
    Inside() { ++depth; }
    ~Inside() { --depth; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
};

// Counts and logs what went wrong. True: the exchange goes on as if there were no such hook.
bool is_passed_over(const server::Exchange& exchange, const BoundHook& hook, const char* context) {
    hook.module->costs.count_failure();
    const bool is_open = hook.fails_open && !exchange.is_answered();
    log::error("hook of a module failed module={} hook={}: {}{}", hook.module->name, hook.name, context,
               is_open ? "; it is passed over" : "");
    return is_open;
}

void fail(server::Exchange& exchange, const char* context) {
    exchange.fail(500, {Code::Internal, Side::Us, Retry::No, 0, context});
}

server::Verdict give_up(server::Exchange& exchange, const BoundHook& hook, const char* context) {
    // With a ticket it might be woken while another hook runs.
    if (is_passed_over(exchange, hook, context) && !exchange.is_suspended()) return server::Verdict::Next;
    fail(exchange, context);
    return server::Verdict::Fail;
}

}  // namespace

bool is_in_hook() {
    return depth > 0;
}

server::Verdict run_hook(server::Exchange& exchange, const void* self) {
    const auto& hook = *static_cast<const BoundHook*>(self);
    const Inside inside;
    const gantry_verdict_t verdict = [&] {
        const AtWork at_work(*hook.module, "hook", hook.name.c_str());
        return hook.run(handle_of(exchange), hook.self);
    }();
    switch (verdict) {
        case GANTRY_NEXT:
            if (!exchange.is_head_sent()) return server::Verdict::Next;
            return server::Verdict::Done;  // it has answered, whatever it says
        case GANTRY_DONE:
            if (exchange.is_answered()) return server::Verdict::Done;
            return give_up(exchange, hook, "it says that it has answered, and has not");
        case GANTRY_WAIT:
            if (exchange.is_suspended()) return server::Verdict::Wait;
            return give_up(exchange, hook, "it waits without a ticket");
        case GANTRY_FAIL:
            if (exchange.is_answered()) return server::Verdict::Fail;
            return give_up(exchange, hook, "it failed");
        default:
            return give_up(exchange, hook, "its verdict is none");
    }
}

void fail_sleeper(server::Exchange& exchange, const server::Ticket& ticket, const char* context) {
    const server::Hook* const last = exchange.last_hook();
    const bool is_hook = last != nullptr && last->run == &run_hook;  // else it reads the body
    server::WorkerContext& worker = *server::WorkerContext::here();
    if (is_hook && is_passed_over(exchange, *static_cast<const BoundHook*>(last->self), context)) {
        worker.wake(ticket, server::Verdict::Next);
        return;
    }
    worker.wake(ticket, server::Verdict::Done);
    fail(exchange, context);
}

server::Verdict run_log_hook(server::Exchange& exchange, const void* self) {
    const auto& hook = *static_cast<const BoundHook*>(self);
    const AtWork at_work(*hook.module, "hook", hook.name.c_str());
    static_cast<void>(hook.run(handle_of(exchange), hook.self));
    return server::Verdict::Next;
}

void run_filter(server::Exchange& exchange, const void* self) {
    const auto& filter = *static_cast<const BoundFilter*>(self);
    const AtWork at_work(*filter.module, "header filter", filter.name.c_str());
    filter.run(handle_of(exchange), filter.self);
}

}  // namespace gantry::module
