#include "core/module/watches.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/module/cost.hpp"
#include "core/module/scope.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

// Why a set of their own, and not the loop of the worker: that reports changes, once each, where these
// libraries expect to be called as long as there is something; it keeps an operation for each direction that
// completes later, where they free everything from within; and the main thread has none. A set is one
// descriptor that either thread can wait for, and the kernel keeps the books: what is closed, what is there
// twice, what cannot be waited for.
//
// Everything in it is said once, and then armed anew (EPOLLONESHOT): so functions may change what they want
// as often as they like for one call of the kernel, an error that nobody wants to hear of does not come again
// and again, and a descriptor that was closed while a copy of it lives on is heard of once and never again.

namespace gantry::module {
namespace {

constexpr std::uint64_t kAlarm =
    std::numeric_limits<std::uint64_t>::max();  // in the place of slot and serial
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kLongest = 365ull * 86'400 * 1'000'000'000;
constexpr std::size_t kBatch = 64;

std::uint64_t key_of(std::uint32_t slot, std::uint64_t serial) {
    return (static_cast<std::uint64_t>(slot) << 32) | static_cast<std::uint32_t>(serial);
}

gantry_result_t refused(const gantry_watcher_t& watcher, int fd, int error) {
    const char* why = nullptr;
    gantry_result_t result = GANTRY_ERROR_ARGUMENT;
    switch (error) {
        case EEXIST:
            why = "it is watched already";
            result = GANTRY_ERROR_STATE;
            break;
        case EBADF:
            why = "it is not open";
            break;
        case EPERM:
            why = "a file or a folder is always ready";
            break;
        case ENOSPC:
        case ENOMEM:
            why = "the system allows no more";
            result = GANTRY_ERROR_LIMIT;
            break;
        default:
            why = std::strerror(error);
    }
    log::warn("descriptor of a module not watched: {} fd={} module={}", why, fd, watcher.module->name);
    return result;
}

}  // namespace

Watches::~Watches() {
    is_ending_ = true;
    for (std::uint32_t slot = 0; slot < all_.size(); ++slot) {
        if (all_[slot].serial != 0) end(slot);
    }
}

bool Watches::open() {
    if (set_) return true;
    UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
    UniqueFd alarm(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    epoll_event event{EPOLLIN, {}};
    event.data.u64 = kAlarm;
    if (!set || !alarm || ::epoll_ctl(set.get(), EPOLL_CTL_ADD, alarm.get(), &event) != 0) return false;
    if (on_open_ && !on_open_(set.get())) return false;
    set_ = std::move(set);
    alarm_ = std::move(alarm);
    return true;
}

// ---- begin

gantry_result_t Watches::why_not(const gantry_watcher_t& watcher) {
    if (watcher.is_over) return GANTRY_ERROR_STALE;
    if (is_ending_) return GANTRY_ERROR_STATE;
    return active_ < GANTRY_WATCHES_MAX && open() ? GANTRY_OK : GANTRY_ERROR_LIMIT;
}

std::uint32_t Watches::take(gantry_watcher_t& watcher, gantry_watch_t& handle) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(all_.size()));
        all_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    ++active_;
    all_[slot] = {};
    all_[slot].serial = next_serial_++;
    all_[slot].watcher = &watcher;
    handle = handle_of(slot);
    return slot;
}

gantry_result_t Watches::watch(gantry_watcher_t& watcher, int fd, const gantry_fd_events_t& events,
                               gantry_watch_t& watch) {
    if (const gantry_result_t fault = why_not(watcher); fault != GANTRY_OK) return fault;
    const std::uint32_t slot = take(watcher, watch);
    all_[slot].events = events;
    epoll_event event{EPOLLONESHOT, {}};
    event.data.u64 = key_of(slot, all_[slot].serial);
    if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        const int error = errno;
        remove(slot);
        watch = {0, 0};
        return refused(watcher, fd, error);
    }
    // The kernel does not know it, so the one that had this number before was closed, and nobody said so.
    if (const auto before = by_fd_.find(fd); before != by_fd_.end()) {
        all_[before->second].fd = -1;
        remove(before->second);
    }
    all_[slot].fd = fd;
    by_fd_[fd] = slot;
    return GANTRY_OK;
}

gantry_result_t Watches::after(gantry_watcher_t& watcher, std::uint64_t delay, void* state,
                               void (*run)(void*) noexcept, gantry_watch_t& watch) {
    if (const gantry_result_t fault = why_not(watcher); fault != GANTRY_OK) return fault;
    const std::uint32_t slot = take(watcher, watch);
    all_[slot].events.state = state;
    all_[slot].run = run;
    all_[slot].due = monotonic_nanos() + static_cast<std::int64_t>(std::min(delay, kLongest));
    timers_.emplace(all_[slot].due, slot);
    set_alarm();
    return GANTRY_OK;
}

// ---- what is wanted

gantry_watch_t Watches::handle_of(std::uint32_t slot) const {
    return {(static_cast<std::uint64_t>(thread_) << 32) | slot, all_[slot].serial};
}

Watches::Watch* Watches::find(gantry_watch_t watch) {
    const auto slot = static_cast<std::uint32_t>(watch.place);
    if (watch.serial == 0 || watch.place >> 32 != thread_ || slot >= all_.size()) return nullptr;
    return all_[slot].serial == watch.serial ? &all_[slot] : nullptr;
}

gantry_result_t Watches::why_unknown(gantry_watch_t watch) const {
    return watch.serial != 0 && watch.place >> 32 != thread_ ? GANTRY_ERROR_STATE : GANTRY_ERROR_STALE;
}

gantry_result_t Watches::want(gantry_watch_t watch, std::uint32_t interests) {
    return change(watch, interests, 0);
}
gantry_result_t Watches::stop(gantry_watch_t watch, std::uint32_t interests) {
    return change(watch, 0, interests);
}

gantry_result_t Watches::change(gantry_watch_t watch, std::uint32_t more, std::uint32_t less) {
    Watch* const found = find(watch);
    if (found == nullptr) return why_unknown(watch);
    const bool has_all = ((more & EPOLLIN) == 0 || found->events.on_readable != nullptr) &&
                         ((more & EPOLLOUT) == 0 || found->events.on_writable != nullptr);
    if (found->fd < 0 || !has_all) return GANTRY_ERROR_ARGUMENT;
    found->wanted = (found->wanted | more) & ~less;
    if (found->serial == telling_) return GANTRY_OK;  // armed when they have returned
    return arm(static_cast<std::uint32_t>(watch.place)) ? GANTRY_OK : GANTRY_ERROR_ARGUMENT;
}

// To arm has the kernel look how things are now, so nothing that came meanwhile is missed.
bool Watches::arm(std::uint32_t slot) {
    Watch& watch = all_[slot];
    if (watch.armed == watch.wanted) return true;
    epoll_event event{watch.wanted | EPOLLONESHOT, {}};
    event.data.u64 = key_of(slot, watch.serial);
    if (::epoll_ctl(set_.get(), EPOLL_CTL_MOD, watch.fd, &event) != 0) return false;
    watch.armed = watch.wanted;
    return true;
}

gantry_result_t Watches::stop(gantry_watch_t watch) {
    if (find(watch) == nullptr) return why_unknown(watch);
    remove(static_cast<std::uint32_t>(watch.place));
    return GANTRY_OK;
}

void Watches::remove(std::uint32_t slot) {
    Watch& watch = all_[slot];
    if (watch.fd >= 0) {
        epoll_event unused{};
        ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, watch.fd, &unused);  // in vain where it was closed
        by_fd_.erase(watch.fd);
    }
    if (watch.run != nullptr) {
        const auto [first, last] = timers_.equal_range(watch.due);
        timers_.erase(std::find_if(first, last, [&](const auto& timer) { return timer.second == slot; }));
    }
    watch = {};
    free_.push_back(slot);
    --active_;
}

// ---- what happens

void Watches::call(const gantry_watcher_t& watcher, const char* what, void (*function)(void*) noexcept,
                   void* state) const {
    if (function == nullptr) return;
    if (server::WorkerContext::here() == nullptr) return function(state);
    const AtWork at_work(*watcher.module, what);
    function(state);
}

void Watches::check() {
    std::array<epoll_event, kBatch> events{};
    const int count = ::epoll_wait(set_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kAlarm) {
            run_due();
        } else {
            tell(static_cast<std::uint32_t>(event.data.u64 >> 32), static_cast<std::uint32_t>(event.data.u64),
                 event.events);
        }
    }
}

void Watches::tell(std::uint32_t slot, std::uint32_t serial, std::uint32_t happened) {
    if (slot >= all_.size() || all_[slot].serial == 0) return;  // stopped by one of the others
    if (static_cast<std::uint32_t>(all_[slot].serial) != serial) return;
    if ((happened & (EPOLLERR | EPOLLHUP)) != 0) happened |= EPOLLIN | EPOLLOUT;
    const gantry_watch_t handle = handle_of(slot);
    const gantry_watcher_t& watcher = *all_[slot].watcher;
    const gantry_fd_events_t functions = all_[slot].events;  // the place may move meanwhile
    all_[slot].armed = 0;
    telling_ = handle.serial;
    const auto is_wanted = [&](std::uint32_t interest) {
        const Watch* const watch = find(handle);
        return watch != nullptr && (happened & watch->wanted & interest) != 0;
    };
    if (is_wanted(EPOLLIN)) call(watcher, "a descriptor", functions.on_readable, functions.state);
    if (is_wanted(EPOLLOUT)) call(watcher, "a descriptor", functions.on_writable, functions.state);
    telling_ = 0;
    if (find(handle) != nullptr && !arm(slot))
        log::warn("a descriptor was closed while it was watched fd={} module={}", all_[slot].fd,
                  watcher.module->name);
}

void Watches::run_due() {
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t got =
        ::read(alarm_.get(), &times, sizeof times);  // it is armed anew below
    alarm_at_ = 0;
    const std::int64_t now = monotonic_nanos();
    // Those that are begun meanwhile come to their turn another time.
    std::vector<gantry_watch_t> due;
    for (auto at = timers_.begin(); at != timers_.end() && at->first <= now; ++at)
        due.push_back(handle_of(at->second));
    for (const gantry_watch_t& handle : due) {
        const Watch* const watch = find(handle);
        if (watch == nullptr) continue;  // stopped by one of the others
        const gantry_watcher_t& watcher = *watch->watcher;
        const auto run = watch->run;
        void* const state = watch->events.state;
        remove(static_cast<std::uint32_t>(handle.place));
        call(watcher, "a timer", run, state);
    }
    set_alarm();
}

// One that rings too early does no harm.
void Watches::set_alarm() {
    if (timers_.empty()) return;
    const std::int64_t first = timers_.begin()->first;
    if (alarm_at_ != 0 && alarm_at_ <= first) return;
    itimerspec at{};
    at.it_value.tv_sec = first / kNanosPerSecond;
    at.it_value.tv_nsec = first % kNanosPerSecond;
    ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
    alarm_at_ = first;
}

// ---- the end

void Watches::end(std::uint32_t slot) {
    const gantry_watcher_t& watcher = *all_[slot].watcher;
    const gantry_fd_events_t functions = all_[slot].events;
    remove(slot);
    call(watcher, "the end of a watch", functions.on_end, functions.state);
}

void Watches::end_of(const Kept& kept) {
    for (std::uint32_t slot = 0; slot < all_.size(); ++slot) {
        if (all_[slot].serial != 0 && all_[slot].watcher->kept == &kept) end(slot);
    }
}

}  // namespace gantry::module
