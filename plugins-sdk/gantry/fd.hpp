// Descriptors and timers of libraries that bring their own sockets. gantry/ext/fd.h says what each thing means.
//
// In whose name they are watched is asked for while the configuration is loaded:
//
//     watcher_ = gantry::Watcher::declare(scope);
//
// A class that owns a connection has a Watch, and the functions that it calls:
//
//     class Connection {
//         void readable() { redisAsyncHandleRead(context_); }
//         void writable() { redisAsyncHandleWrite(context_); }
//         void ended() { … }                        // gantry ends the watch: let go of the connection. May be missing
//         gantry::Watch watch_;                     // watch_.begin(watcher_, fd, *this); watch_.want_read();
//         gantry::Alarm alarm_;                     // alarm_.set<&Connection::late>(watcher_, 5s, *this);
//     };
//
// Each of them may do anything with the watch, and destroy the object. In a coroutine, for a descriptor that is waited
// for now and then:
//
//     if (!co_await gantry::readable(exchange, watcher_, fd, 5s)) …          // false: not within that time
//
// Thread: a worker, or the main thread; always the one on which a Watch or an Alarm began, its destructor as well.
#pragma once

#include "gantry/async.hpp"
#include "gantry/conf.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

namespace gantry::inline sdk {

// In whose name an instance watches. A value; valid as long as the instance that declared it.
class Watcher {
public:
    Watcher() = default;

    // Nothing: the load fails, and says why. [main] [loading]
    static Watcher declare(Scope& scope) noexcept {
        Watcher watcher;
        watcher.host_ = &scope.host();
        if (const gantry_fd_1_t* table = scope.host().fd()) watcher.raw_ = table->watcher(scope.raw());
        if (watcher.raw_ == nullptr)
            scope.error("this gantry watches no descriptors of modules", "a later one does: gantry.fd/1");
        return watcher;
    }

    explicit operator bool() const noexcept { return raw_ != nullptr; }
    gantry_watcher_t* raw() const noexcept { return raw_; }
    const Host& host() const noexcept { return *host_; }

private:
    gantry_watcher_t* raw_ = nullptr;
    const Host* host_ = nullptr;
};

// A descriptor that is watched until this goes. Of an object that stays where it is.
class Watch {
public:
    Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { stop(); }

    // Calls `object`.readable(), writable() and ended(), as far as it has them. One that was begun before is stopped.
    // The object outlives this.
    template <class T>
    Result begin(const Watcher& watcher, int fd, T& object) noexcept {
        static_assert(
            requires { object.readable(); } || requires { object.writable(); },
            "gantry::Watch: the object needs `void readable()`, `void writable()` or both");
        stop();
        if (!watcher) return GANTRY_ERROR_ARGUMENT;
        host_ = &watcher.host();
        object_ = &object;
        gantry_fd_events_t events{};
        events.size = sizeof(events);
        events.state = this;
        if constexpr (requires { object.readable(); }) events.on_readable = &on_readable<T>;
        if constexpr (requires { object.writable(); }) events.on_writable = &on_writable<T>;
        events.on_end = &on_end<T>;
        return host_->fd()->watch(watcher.raw(), fd, &events, &watch_);
    }

    Result want_read() noexcept { return is_on() ? host_->fd()->want_read(host_->raw(), watch_) : kStale; }
    Result stop_read() noexcept { return is_on() ? host_->fd()->stop_read(host_->raw(), watch_) : kStale; }
    Result want_write() noexcept { return is_on() ? host_->fd()->want_write(host_->raw(), watch_) : kStale; }
    Result stop_write() noexcept { return is_on() ? host_->fd()->stop_write(host_->raw(), watch_) : kStale; }

    // Before the descriptor is closed. Nothing is called any more.
    void stop() noexcept {
        const gantry_watch_t watch = std::exchange(watch_, {0, 0});
        if (watch.serial != 0) host_->fd()->stop(host_->raw(), watch);
    }
    bool is_on() const noexcept { return watch_.serial != 0; }

private:
    static constexpr Result kStale = GANTRY_ERROR_STALE;

    // What runs may destroy this: nothing of it is looked at behind that.
    template <class T>
    static void on_readable(void* state) noexcept {
        const auto* self = static_cast<const Watch*>(state);
        auto* object = static_cast<T*>(self->object_);
        detail::guarded(*self->host_, "readable()", false, [object] { return object->readable(), true; });
    }
    template <class T>
    static void on_writable(void* state) noexcept {
        const auto* self = static_cast<const Watch*>(state);
        auto* object = static_cast<T*>(self->object_);
        detail::guarded(*self->host_, "writable()", false, [object] { return object->writable(), true; });
    }
    template <class T>
    static void on_end(void* state) noexcept {
        auto* self = static_cast<Watch*>(state);
        auto* object = static_cast<T*>(self->object_);
        self->watch_ = {0, 0};
        if constexpr (requires { object->ended(); }) {
            detail::guarded(*self->host_, "ended()", false, [object] { return object->ended(), true; });
        }
    }

    const Host* host_ = nullptr;
    void* object_ = nullptr;
    gantry_watch_t watch_ = {0, 0};
};

// Calls a function of an object later, unless this goes before. Of an object that stays where it is.
class Alarm {
public:
    Alarm() = default;
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm() { stop(); }

    // `object`.Function() once, after `delay`; what was set before is forgotten. The object outlives this.
    template <auto Function, class T>
    Result set(const Watcher& watcher, std::chrono::nanoseconds delay, T& object) noexcept {
        stop();
        if (!watcher) return GANTRY_ERROR_ARGUMENT;
        host_ = &watcher.host();
        object_ = &object;
        const auto nanos = static_cast<std::uint64_t>(std::max(delay, std::chrono::nanoseconds{0}).count());
        return host_->fd()->after(watcher.raw(), nanos, this, &ring<Function, T>, &watch_);
    }
    void stop() noexcept {
        const gantry_watch_t watch = std::exchange(watch_, {0, 0});
        if (watch.serial != 0) host_->fd()->stop(host_->raw(), watch);
    }
    bool is_on() const noexcept { return watch_.serial != 0; }

private:
    template <auto Function, class T>
    static void ring(void* state) noexcept {
        auto* self = static_cast<Alarm*>(state);
        auto* object = static_cast<T*>(self->object_);
        self->watch_ = {0, 0};
        detail::guarded(*self->host_, "an alarm", false, [object] { return (object->*Function)(), true; });
    }

    const Host* host_ = nullptr;
    void* object_ = nullptr;
    gantry_watch_t watch_ = {0, 0};
};

namespace detail {

// Wakes a coroutine that waits for a descriptor, once.
struct DescriptorWait {
    Watch watch = {};
    const Waker* waker = nullptr;

    void readable() noexcept { arrive(); }
    void writable() noexcept { arrive(); }
    void arrive() noexcept {
        watch.stop();
        waker->wake();
    }
};

inline Task<bool> ready(Exchange exchange, Watcher watcher, int fd, Result (Watch::*want)() noexcept,
                        std::chrono::nanoseconds limit) {
    DescriptorWait wait;  // goes where the client leaves, or the time is over
    std::optional<Waker> kept;
    bool is_begun = false;
    const bool is_awake = co_await exchange.until(limit, [&](Waker waker) {
        wait.waker = &kept.emplace(waker);
        is_begun = wait.watch.begin(watcher, fd, wait) == GANTRY_OK && (wait.watch.*want)() == GANTRY_OK;
        if (!is_begun) waker.wake();
    });
    co_return is_awake&& is_begun;
}

}  // namespace detail

// For co_await: whether `fd` can be read within `limit`, or is at its end; also false where it cannot be watched.
inline Task<bool> readable(Exchange exchange, Watcher watcher, int fd, std::chrono::nanoseconds limit) {
    return detail::ready(exchange, watcher, fd, &Watch::want_read, limit);
}
// The same for writing, and for a connection that is being made.
inline Task<bool> writable(Exchange exchange, Watcher watcher, int fd, std::chrono::nanoseconds limit) {
    return detail::ready(exchange, watcher, fd, &Watch::want_write, limit);
}

}  // namespace gantry::inline sdk
