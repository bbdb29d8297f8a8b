// gantry.fd/1 of a fake host: descriptors are real ones, and are looked at when the test says run(); timers ring when it
// says advance().
#pragma once

#include "gantry/fake/async_tables.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

namespace gantry::fake::detail {

// While code of an instance runs that is for no exchange, it is not retired, whatever ends meanwhile.
class Holding {
public:
    explicit Holding(Generation& generation) : generation_(generation) { ++generation.exchanges; }
    ~Holding() { Drive::leave(generation_); }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

private:
    Generation& generation_;
};

struct FdTable {
    static constexpr std::uint64_t kDescriptor = 1;  // places
    static constexpr std::uint64_t kTimer = 2;

    static gantry_watcher_t* watcher(const gantry_scope_t* raw) noexcept {
        State& host = *reinterpret_cast<const ScopeState*>(raw)->host;
        if (!host.is_in_step(Step::Preparing, "watcher", "prepare() and configure()")) return nullptr;
        Generation& generation = *host.generations.back();
        if (generation.watcher == nullptr)
            generation.watcher = std::make_unique<WatcherState>(WatcherState{&host, &generation});
        return reinterpret_cast<gantry_watcher_t*>(generation.watcher.get());
    }

    static gantry_result_t watch(gantry_watcher_t* raw, std::int32_t fd, const gantry_fd_events_t* events,
                                 gantry_watch_t* number) noexcept {
        auto& watcher = *reinterpret_cast<WatcherState*>(raw);
        State& host = *watcher.host;
        *number = {0, 0};
        if (!host.is_right_thread("watch")) return GANTRY_ERROR_STATE;
        if (watcher.is_over) return GANTRY_ERROR_STALE;
        struct stat status = {};
        if (::fstat(fd, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
            return GANTRY_ERROR_ARGUMENT;
        const auto is_same = [fd](const auto& one) { return one.second.fd == fd; };
        if (std::any_of(host.watches.begin(), host.watches.end(), is_same)) return GANTRY_ERROR_STATE;
        if (host.watches.size() >= GANTRY_WATCHES_MAX) return GANTRY_ERROR_LIMIT;
        *number = {kDescriptor, ++host.last_watch};
        host.watches[number->serial] = {watcher.generation, fd, *events};
        return GANTRY_OK;
    }

    static gantry_result_t set(const gantry_host_t* raw, gantry_watch_t number, short interest, bool is_on,
                               const char* function) {
        State& host = State::of(raw);
        if (!host.is_right_thread(function)) return GANTRY_ERROR_STATE;
        if (number.place == kTimer) return GANTRY_ERROR_ARGUMENT;
        const auto found = host.watches.find(number.serial);
        if (found == host.watches.end()) return GANTRY_ERROR_STALE;
        WatchState& watch = found->second;
        auto* const call = interest == POLLIN ? watch.events.on_readable : watch.events.on_writable;
        if (is_on && (call == nullptr || ::fcntl(watch.fd, F_GETFD) < 0)) return GANTRY_ERROR_ARGUMENT;
        watch.wanted = static_cast<short>(is_on ? watch.wanted | interest : watch.wanted & ~interest);
        return GANTRY_OK;
    }
    static gantry_result_t want_read(const gantry_host_t* raw, gantry_watch_t number) noexcept {
        return set(raw, number, POLLIN, true, "want_read");
    }
    static gantry_result_t stop_read(const gantry_host_t* raw, gantry_watch_t number) noexcept {
        return set(raw, number, POLLIN, false, "stop_read");
    }
    static gantry_result_t want_write(const gantry_host_t* raw, gantry_watch_t number) noexcept {
        return set(raw, number, POLLOUT, true, "want_write");
    }
    static gantry_result_t stop_write(const gantry_host_t* raw, gantry_watch_t number) noexcept {
        return set(raw, number, POLLOUT, false, "stop_write");
    }

    static gantry_result_t stop(const gantry_host_t* raw, gantry_watch_t number) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("stop")) return GANTRY_ERROR_STATE;
        if (number.place != kTimer)
            return host.watches.erase(number.serial) == 0 ? GANTRY_ERROR_STALE : GANTRY_OK;
        if (host.alarms.erase(number.serial) == 0) return GANTRY_ERROR_STALE;
        std::erase_if(host.timers, [&](const Timer& timer) { return timer.id == number.serial; });
        return GANTRY_OK;
    }

    static gantry_result_t after(gantry_watcher_t* raw, std::uint64_t delay, void* state,
                                 void (*run)(void*) noexcept, gantry_watch_t* number) noexcept {
        auto& watcher = *reinterpret_cast<WatcherState*>(raw);
        State& host = *watcher.host;
        if (number != nullptr) *number = {0, 0};
        if (!host.is_right_thread("after")) return GANTRY_ERROR_STATE;
        if (watcher.is_over) return GANTRY_ERROR_STALE;
        const std::uint64_t id = ++host.last_timer;
        host.alarms[id] = watcher.generation;
        const auto ring = [&host, id, state, run] {
            const Holding holding{*host.alarms.extract(id).mapped()};
            run(state);
        };
        host.timers.push_back({host.now + delay, id, 0, {0, 0}, ring, true});
        if (number != nullptr) *number = {kTimer, id};
        return GANTRY_OK;
    }

    // ---- what happens

    // Calls those that are ready, each once. False: there were none.
    static bool call_ready(State& host) {
        std::vector<pollfd> polled;
        std::vector<std::uint64_t> serials;
        for (const auto& [serial, watch] : host.watches) {
            polled.push_back({watch.fd, watch.wanted, 0});
            serials.push_back(serial);
        }
        if (::poll(polled.data(), polled.size(), 0) <= 0) return false;
        bool was_called = false;
        for (std::size_t i = 0; i < polled.size(); ++i) {
            int happened = polled[i].revents;
            if ((happened & POLLNVAL) != 0 && host.watches.erase(serials[i]) != 0)
                host.violation("a descriptor was closed while it was watched");
            if ((happened & (POLLERR | POLLHUP)) != 0) happened |= POLLIN | POLLOUT;
            was_called |= call(host, serials[i], happened & POLLIN, &gantry_fd_events_t::on_readable);
            was_called |= call(host, serials[i], happened & POLLOUT, &gantry_fd_events_t::on_writable);
        }
        return was_called;
    }
    static bool call(State& host, std::uint64_t serial, int interest,
                     void (*gantry_fd_events_t::*function)(void*) GANTRY_NOEXCEPT) {
        const auto found = host.watches.find(serial);
        if (found == host.watches.end() || (found->second.wanted & interest) == 0) return false;
        const gantry_fd_events_t events = found->second.events;
        const Holding holding{*found->second.generation};
        (events.*function)(events.state);
        return true;
    }

    static constexpr gantry_fd_1_t kTable{sizeof(gantry_fd_1_t), &watcher,    &watch, &want_read, &stop_read,
                                          &want_write,           &stop_write, &stop,  &after};
};

// The instance is about to be retired.
inline void end_watches(Generation& generation) {
    if (generation.watcher == nullptr) return;
    State& host = *generation.host;
    generation.watcher->is_over = true;
    const auto is_of_it = [&](const auto& one) { return one.second.generation == &generation; };
    for (;;) {
        const auto next = std::find_if(host.watches.begin(), host.watches.end(), is_of_it);
        if (next == host.watches.end()) break;
        const gantry_fd_events_t events = next->second.events;
        host.watches.erase(next);
        if (events.on_end != nullptr) events.on_end(events.state);
    }
    std::erase_if(host.timers, [&](const Timer& timer) {
        const auto found = host.alarms.find(timer.id);
        return found != host.alarms.end() && found->second == &generation;
    });
    std::erase_if(host.alarms, [&](const auto& one) { return one.second == &generation; });
}

}  // namespace gantry::fake::detail
