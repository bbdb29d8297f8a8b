// A coroutine of a module, and how it hangs on its exchange. gantry/async.hpp is what modules include.
#pragma once

#include "gantry/exchange.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace gantry::inline sdk {

template <class T>
class Task;

namespace detail {

[[noreturn]] inline void no_memory() {
#if defined(__cpp_exceptions)
    throw std::bad_alloc{};
#else
    std::abort();
#endif
}

// One hook at work on one exchange; lives in the exchange. The ticket lasts from the first wait to the end of
// the outermost coroutine.
struct Waiting {
    Exchange exchange;
    const char* hook;
    std::coroutine_handle<> outermost = {};
    Verdict (*verdict_of)(Waiting& self) noexcept = nullptr;
    std::coroutine_handle<> innermost = {};  // where it goes on
    gantry_ticket_t ticket = {0, 0};
    bool has_ticket = false;
    std::uint32_t waits = 0;  // a number for each

    // Before anything is begun that would wake it.
    void wait_at(std::coroutine_handle<> here) noexcept {
        innermost = here;
        ++waits;
        if (!has_ticket) ticket = exchange.host().async()->suspend(exchange.raw(), this, &drop);
        has_ticket = true;
    }

    // [worker], while the ticket is valid.
    static void go_on(void* state) noexcept {
        auto* self = static_cast<Waiting*>(state);
        ++self->waits;  // whoever else would wake it is too late, also while a host takes its time to resume
        self->innermost.resume();
        if (!self->outermost.done()) return;
        const Host& host = self->exchange.host();
        const Verdict verdict = self->verdict_of(*self);
        host.async()->resume(host.raw(), self->ticket, static_cast<gantry_verdict_t>(verdict));
    }

    // It woke, or its client left: the same to us. Inner frames are destroyed by those that await them.
    static void drop(void* state) noexcept { static_cast<Waiting*>(state)->outermost.destroy(); }
};

// A parameter of a coroutine that does not matter to its memory.
struct Any {
    template <class T>
    Any(const T&) noexcept {}
};

struct PromiseBase {
    Waiting* waiting = nullptr;
    std::coroutine_handle<> awaiter = {};
#if defined(__cpp_exceptions)
    std::exception_ptr thrown = {};
#endif

    // The first parameter is the exchange, or the second where the coroutine is a member; at most four more.
    // No templates: g++ 12 takes the operator delete below for that of another class then.
    using A = const Any&;
    using E = const Exchange&;
    static void* operator new(std::size_t size, E e) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, E e, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, E e, A, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, E e, A, A, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, E e, A, A, A, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, A, E e) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, A, E e, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, A, E e, A, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, A, E e, A, A, A) noexcept { return of(e, size); }
    static void* operator new(std::size_t size, A, E e, A, A, A, A) noexcept { return of(e, size); }
    static void* of(const Exchange& exchange, std::size_t size) noexcept {
        return exchange.host().http()->allocate(exchange.raw(), size);
    }
    static void operator delete(void*, std::size_t) noexcept {}  // the exchange's

    struct Final {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            const auto next = self.promise().awaiter;
            return next ? next : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept {
#if defined(__cpp_exceptions)
        thrown = std::current_exception();
#endif
    }
    void rethrow() {
#if defined(__cpp_exceptions)
        if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
#endif
    }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;

    Task<T> get_return_object() noexcept;
    static Task<T> get_return_object_on_allocation_failure() noexcept;
    template <class Given>
    void return_value(Given&& given) {
        value.emplace(std::forward<Given>(given));
    }
    T take() {
        rethrow();
        return std::move(*value);
    }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object() noexcept;
    static Task<void> get_return_object_on_allocation_failure() noexcept;
    void return_void() const noexcept {}
    void take() { rethrow(); }
};

}  // namespace detail

// A coroutine that has not begun. [[nodiscard]]: what is not awaited does not run.
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    // co_await: begins it; what it returns or throws comes out.
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiter) const noexcept {
        if (!handle_) return awaiter;
        handle_.promise().waiting = awaiter.promise().waiting;
        handle_.promise().awaiter = awaiter;
        return handle_;
    }
    T await_resume() const {
        if (!handle_) detail::no_memory();
        return handle_.promise().take();
    }

    // For the trampolines: nothing where there was no memory.
    Handle release() noexcept { return std::exchange(handle_, {}); }

private:
    Handle handle_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
    return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}
template <class T>
Task<T> Promise<T>::get_return_object_on_allocation_failure() noexcept {
    return Task<T>{typename Task<T>::Handle{}};
}
inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> Promise<void>::get_return_object_on_allocation_failure() noexcept {
    return Task<void>{Task<void>::Handle{}};
}

}  // namespace detail
}  // namespace gantry::inline sdk
