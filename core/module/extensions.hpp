// The host's side of the SDK: the tables that modules ask for, one source each.
#pragma once

#include "core/module/module.hpp"
#include "core/module/order.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <gantry/ext/async.h>
#include <gantry/ext/client.h>
#include <gantry/ext/conf.h>
#include <gantry/ext/conn.h>
#include <gantry/ext/control.h>
#include <gantry/ext/events.h>
#include <gantry/ext/fd.h>
#include <gantry/ext/filter.h>
#include <gantry/ext/http.h>
#include <gantry/ext/log.h>
#include <gantry/ext/metrics.h>
#include <gantry/ext/phase.h>
#include <gantry/ext/store.h>
#include <gantry/ext/timer.h>
#include <gantry/ext/tls.h>
#include <gantry/ext/upstream.h>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::module {

extern const gantry_log_1_t kLog;
extern const gantry_conf_1_t kConf;
extern const gantry_conn_1_t kConn;
extern const gantry_phase_1_t kPhase;
extern const gantry_http_1_t kHttp;
extern const gantry_filter_1_t kFilter;
extern const gantry_async_1_t kAsync;
extern const gantry_timer_1_t kTimer;
extern const gantry_metrics_1_t kMetrics;
extern const gantry_store_1_t kStore;
extern const gantry_upstream_1_t kUpstream;
extern const gantry_client_1_t kClient;
extern const gantry_events_1_t kEvents;
extern const gantry_tls_1_t kTls;
extern const gantry_control_1_t kControl;
extern const gantry_fd_1_t kFd;

// The same, and they check whether the contracts are kept: contract.hpp.
extern const gantry_log_1_t kCheckedLog;
extern const gantry_conf_1_t kCheckedConf;
extern const gantry_conn_1_t kCheckedConn;
extern const gantry_phase_1_t kCheckedPhase;
extern const gantry_http_1_t kCheckedHttp;
extern const gantry_filter_1_t kCheckedFilter;
extern const gantry_async_1_t kCheckedAsync;
extern const gantry_timer_1_t kCheckedTimer;
extern const gantry_metrics_1_t kCheckedMetrics;
extern const gantry_store_1_t kCheckedStore;
extern const gantry_upstream_1_t kCheckedUpstream;
extern const gantry_client_1_t kCheckedClient;
extern const gantry_events_1_t kCheckedEvents;
extern const gantry_tls_1_t kCheckedTls;
extern const gantry_control_1_t kCheckedControl;
extern const gantry_fd_1_t kCheckedFd;

// Null: there is none of that id. Those that check, where modules are checked.
const void* find_extension(std::string_view id);

// Wakes the exchange that sleeps under `ticket`, if any does. [worker]
void wake(const server::Ticket& ticket, gantry_verdict_t verdict);

// Runs code of `module` that is no hook: what it posted or asked for. Where an exchange sleeps under
// `ticket`, that does not end before the code has returned, whatever it answers: a coroutine must not be
// destroyed while it runs. [worker]
template <class Run>
void run_beside(const Module& module, const server::Ticket& ticket, const char* what, const Run& run) {
    server::WorkerContext* const worker = server::WorkerContext::here();
    server::Exchange* const sleeper = worker == nullptr ? nullptr : worker->sleeper(ticket);
    std::optional<server::Exchange::Hold> hold;
    if (sleeper != nullptr) hold.emplace(*sleeper);
    const AtWork at_work(module, what);
    run();
}

// ---- between the two sides

constexpr std::uint64_t kNanosPerMilli = 1'000'000;

// Empty for a text that is not there.
inline std::string_view view_of(const char* text) {
    return text == nullptr ? std::string_view() : std::string_view(text);
}
inline std::string_view view_of(gantry_bytes_t bytes) {
    return bytes.data == nullptr ? std::string_view() : std::string_view(bytes.data, bytes.size);
}
// Of a hook that says before and after which others it comes.
template <class Declared>
Ordered order_of(const Declared& hook) {
    return {hook.name, std::string(view_of(hook.before)), std::string(view_of(hook.after))};
}
inline gantry_bytes_t bytes_of(std::string_view text) {
    return {text.data(), text.size()};
}
inline server::Exchange& exchange_of(gantry_exchange_t* exchange) {
    return *reinterpret_cast<server::Exchange*>(exchange);
}
inline const server::Exchange& exchange_of(const gantry_exchange_t* exchange) {
    return *reinterpret_cast<const server::Exchange*>(exchange);
}
inline gantry_exchange_t* handle_of(server::Exchange& exchange) {
    return reinterpret_cast<gantry_exchange_t*>(&exchange);
}
inline gantry_address_t handle_of(const net::PeerAddress& address) {
    gantry_address_t out{};
    std::copy(address.ip.begin(), address.ip.end(), out.ip);
    out.port = address.port;
    out.family = address.family;
    return out;
}
inline gantry_ticket_t handle_of(const server::Ticket& ticket) {
    return {(static_cast<std::uint64_t>(ticket.worker) << 32) | ticket.slot, ticket.serial};
}
inline server::Ticket ticket_of(gantry_ticket_t ticket) {
    return {static_cast<std::uint32_t>(ticket.place >> 32), static_cast<std::uint32_t>(ticket.place),
            ticket.serial};
}

}  // namespace gantry::module
