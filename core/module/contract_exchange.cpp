// Who may use an exchange: the code that was given it, and whoever has its ticket or answers it.
#include "core/module/contract_call.hpp"
#include "core/module/extensions.hpp"

#include <fmt/format.h>
#include <unordered_map>

namespace gantry::module::contract {
namespace {

thread_local const Running* running = nullptr;

struct Held {
    std::uint64_t serial = 0;
    const Module* module = nullptr;
    bool has_ticket = false;
    bool is_answering = false;
};
// Of this worker. Those that are over are taken for what they are by their serial.
thread_local std::unordered_map<const server::Exchange*, Held> held;

bool is_held(const Call& call, const server::Exchange& exchange) {
    const auto found = held.find(&exchange);
    if (found == held.end() || found->second.serial != exchange.serial()) return false;
    const Module* const caller = caller_of(call);
    if (caller != nullptr && found->second.module != nullptr && caller != found->second.module) return false;
    return found->second.is_answering || (found->second.has_ticket && exchange.is_suspended());
}

}  // namespace

Running::Running(const Callback& callback, const void* handle)
    : callback_(callback), handle_(handle), outer_(running) {
    running = this;
}

Running::~Running() {
    running = outer_;
}

const Running* Running::innermost() {
    return running;
}

const Running* Running::with(const void* handle) {
    for (const Running* at = running; at != nullptr; at = at->outer_) {
        if (at->handle_ == handle) return at;
    }
    return nullptr;
}

void hold(const Call& call, const server::Exchange& exchange, Hold how) {
    Held& mine = held[&exchange];
    if (mine.serial != exchange.serial()) mine = {};
    mine.serial = exchange.serial();
    mine.module = caller_of(call);
    (how == Hold::Ticket ? mine.has_ticket : mine.is_answering) = true;
}

void judge_running(const Call& call, const void* handle, const char* what) {
    if (Running::with(handle) != nullptr) return;
    broken(call,
           fmt::format("[borrow:call] {} is used after the call that it was lent to has returned", what));
}

void judge_exchange(const Call& call, const server::Exchange* exchange) {
    const server::WorkerContext* const worker = server::WorkerContext::here();
    if (worker == nullptr) broken(call, fmt::format("[worker] called on {}", here()));
    if (exchange == nullptr) broken(call, "[borrow:exchange] called without an exchange");
    if (!worker->has_exchange(*exchange))
        broken(call, "[borrow:exchange] the exchange is over, or is another worker's");
    if (const Running* const inside = Running::with(exchange)) {
        if (inside->callback().place == Place::SourceEnd)
            broken(call, "[borrow:exchange] the exchange is used in on_end()");
        return;
    }
    if (is_held(call, *exchange)) return;
    broken(call, "[borrow:exchange] the exchange is used outside of the hook or the ticket that holds it");
}

}  // namespace gantry::module::contract
