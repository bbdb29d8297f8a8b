// Descriptors and timers of modules on one thread: the set they are in, and who is called.
#pragma once

#include "core/base/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <gantry/ext/fd.h>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::module {

struct Kept;

// Used by its thread alone: that of a worker, or the main thread. What is called may do anything with it but
// destroy it.
class Watches {
public:
    // `thread`: a number that no other thread has. `on_open` is told of fd() once there is one, in order to
    // wait for it; false: that cannot be.
    explicit Watches(std::uint32_t thread, std::function<bool(int fd)> on_open = {})
        : thread_(thread), on_open_(std::move(on_open)) {}
    // Ends what is left, and tells.
    ~Watches();
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    // Readable while there is something for check() to do; -1: nothing was ever watched.
    int fd() const { return set_.get(); }
    // Calls those whose descriptors are ready, and whose time has come: a batch of them, each once.
    void check();

    // As gantry/ext/fd.h has them. `events` is whole.
    gantry_result_t watch(gantry_watcher_t& watcher, int fd, const gantry_fd_events_t& events,
                          gantry_watch_t& watch);
    gantry_result_t after(gantry_watcher_t& watcher, std::uint64_t delay, void* state,
                          void (*run)(void*) noexcept, gantry_watch_t& watch);
    // `interests`: EPOLLIN or EPOLLOUT.
    gantry_result_t want(gantry_watch_t watch, std::uint32_t interests);
    gantry_result_t stop(gantry_watch_t watch, std::uint32_t interests);
    gantry_result_t stop(gantry_watch_t watch);

    // Those of an instance that is about to be retired, and tells them. Its watchers begin nothing any more.
    void end_of(const Kept& kept);

    std::size_t active() const { return active_; }

private:
    struct Watch {
        std::uint64_t serial = 0;  // 0: the place is free
        gantry_watcher_t* watcher = nullptr;
        gantry_fd_events_t events{};
        int fd = -1;               // -1: a timer
        std::uint32_t wanted = 0;  // EPOLLIN, EPOLLOUT
        std::uint32_t armed = 0;   // what the set is to say next
        std::int64_t due = 0;
        void (*run)(void*) noexcept = nullptr;
    };

    bool open();
    gantry_result_t why_not(const gantry_watcher_t& watcher);
    std::uint32_t take(gantry_watcher_t& watcher, gantry_watch_t& handle);
    gantry_result_t why_unknown(gantry_watch_t watch) const;
    Watch* find(gantry_watch_t watch);
    gantry_watch_t handle_of(std::uint32_t slot) const;
    gantry_result_t change(gantry_watch_t watch, std::uint32_t more, std::uint32_t less);
    bool arm(std::uint32_t slot);
    void tell(std::uint32_t slot, std::uint32_t serial, std::uint32_t happened);
    void run_due();
    void set_alarm();
    void remove(std::uint32_t slot);
    void end(std::uint32_t slot);
    void call(const gantry_watcher_t& watcher, const char* what, void (*function)(void*) noexcept,
              void* state) const;

    std::uint32_t thread_;
    std::function<bool(int fd)> on_open_;
    UniqueFd set_;    // of epoll
    UniqueFd alarm_;  // a timer of the kernel for the earliest of ours; in the set
    std::vector<Watch> all_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<int, std::uint32_t> by_fd_;
    std::multimap<std::int64_t, std::uint32_t> timers_;  // by when they are due
    std::int64_t alarm_at_ = 0;                          // 0: it is off
    std::uint64_t next_serial_ = 1;
    std::uint64_t telling_ = 0;  // whose functions are being called
    std::size_t active_ = 0;
    bool is_ending_ = false;
};

}  // namespace gantry::module
