// gantry.fd/1
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"
#include "core/module/worker_watches.hpp"

#include <algorithm>
#include <cstring>
#include <sys/epoll.h>
#include <thread>

namespace gantry::module {
namespace {

// Where the calling thread watches; null: it does not.
Watches* watches_here(Services& services) {
    if (server::WorkerContext::here() != nullptr) return WorkerWatches::here();
    const bool is_main = std::this_thread::get_id() == services.main_thread && services.main != nullptr;
    return is_main ? &services.watches : nullptr;
}
Watches* watches_here(const gantry_host_t* host) {
    return watches_here(*module_of(host).services);
}

gantry_watcher_t* watcher(const gantry_scope_t* scope) noexcept {
    if (scope == nullptr || scope->kept == nullptr) return nullptr;
    auto& watchers = scope->kept->watchers;
    const auto found = std::find_if(watchers.begin(), watchers.end(),
                                    [&](const gantry_watcher& one) { return one.module == scope->module; });
    if (found != watchers.end()) return &*found;
    gantry_watcher& made = watchers.emplace_back();
    made.module = scope->module;
    made.kept = scope->kept;
    return &made;
}

// It is noted before anybody looks whether the instance goes: whoever ends its watches looks the other way
// round.
Watches* watches_for(gantry_watcher_t& watcher) {
    if (server::WorkerContext::here() != nullptr) watcher.is_on_workers = true;
    return watches_here(*watcher.module->services);
}

gantry_result_t watch(gantry_watcher_t* watcher, std::int32_t fd, const gantry_fd_events_t* given,
                      gantry_watch_t* watch) noexcept {
    if (watch != nullptr) *watch = {0, 0};
    const auto events = whole(given);
    if (watcher == nullptr || !events || watch == nullptr) return GANTRY_ERROR_ARGUMENT;
    Watches* const watches = watches_for(*watcher);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->watch(*watcher, fd, *events, *watch);
}

gantry_result_t after(gantry_watcher_t* watcher, std::uint64_t delay, void* state,
                      void (*run)(void*) noexcept, gantry_watch_t* watch) noexcept {
    gantry_watch_t made{0, 0};
    if (watch != nullptr) *watch = made;
    if (watcher == nullptr || run == nullptr) return GANTRY_ERROR_ARGUMENT;
    Watches* const watches = watches_for(*watcher);
    if (watches == nullptr) return GANTRY_ERROR_STATE;
    const gantry_result_t result = watches->after(*watcher, delay, state, run, made);
    if (watch != nullptr) *watch = made;
    return result;
}

gantry_result_t want_read(const gantry_host_t* host, gantry_watch_t watch) noexcept {
    Watches* const watches = watches_here(host);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->want(watch, EPOLLIN);
}
gantry_result_t stop_read(const gantry_host_t* host, gantry_watch_t watch) noexcept {
    Watches* const watches = watches_here(host);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->stop(watch, EPOLLIN);
}
gantry_result_t want_write(const gantry_host_t* host, gantry_watch_t watch) noexcept {
    Watches* const watches = watches_here(host);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->want(watch, EPOLLOUT);
}
gantry_result_t stop_write(const gantry_host_t* host, gantry_watch_t watch) noexcept {
    Watches* const watches = watches_here(host);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->stop(watch, EPOLLOUT);
}
gantry_result_t stop(const gantry_host_t* host, gantry_watch_t watch) noexcept {
    Watches* const watches = watches_here(host);
    return watches == nullptr ? GANTRY_ERROR_STATE : watches->stop(watch);
}

}  // namespace

const gantry_fd_1_t kFd = {
    sizeof(gantry_fd_1_t), &watcher, &watch, &want_read, &stop_read, &want_write, &stop_write, &stop, &after,
};

}  // namespace gantry::module
