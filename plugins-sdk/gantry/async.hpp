// Hooks that wait, as coroutines: while one waits, its worker serves others.
//
//     gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) {
//         co_await exchange.sleep(50ms);
//         const auto known = co_await exchange.blocking([name = std::string{exchange.path()}] {
//             return look_it_up_on_disk(name);
//         });
//         if (!known) co_return exchange.fail(503, "too many look-ups");
//         co_return *known ? gantry::Verdict::Next : exchange.fail(403);
//     }
//
// Thread: the coroutine itself always runs on the worker of its exchange. Only what is given to blocking() runs
// elsewhere.
//
// Memory: frames are allocated from the exchange, so waiting costs no heap. A hook that finishes without having
// to wait was never suspended, as far as the host knows.
//
// The client leaves: the frame is destroyed at the co_await where it waits, on the worker, and so are its local
// variables: their destructors are the one place for cleaning up, however the coroutine ends. They must not use
// the exchange.
//
// A coroutine of a module is a member function or a free one whose first parameter is the Exchange; that is
// where its memory comes from. It may await others, which are Task<T> as well. A Task is awaited at once, where
// it was made, and once.
#pragma once

#include "gantry/exchange.hpp"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
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

    // Before anything is begun that would wake it.
    void wait_at(std::coroutine_handle<> here) noexcept {
        innermost = here;
        if (!has_ticket) ticket = exchange.host().async()->suspend(exchange.raw(), this, &drop);
        has_ticket = true;
    }

    // [worker], while the ticket is valid.
    static void go_on(void* state) noexcept {
        auto* self = static_cast<Waiting*>(state);
        self->innermost.resume();
        if (!self->outermost.done()) return;
        const Host& host = self->exchange.host();
        const Verdict verdict = self->verdict_of(*self);
        host.async()->resume(host.raw(), self->ticket, static_cast<gantry_verdict_t>(verdict));
    }

    // It woke, or its client left: the same to us. Inner frames are destroyed by those that await them.
    static void drop(void* state) noexcept { static_cast<Waiting*>(state)->outermost.destroy(); }
};

struct PromiseBase {
    Waiting* waiting = nullptr;
    std::coroutine_handle<> awaiter = {};
#if defined(__cpp_exceptions)
    std::exception_ptr thrown = {};
#endif

    // The first parameter is the exchange, or the second where the coroutine is a member.
    template <class... More>
    static void* operator new(std::size_t size, const Exchange& exchange, const More&...) noexcept {
        return exchange.host().http()->allocate(exchange.raw(), size);
    }
    template <class Self, class... More>
    static void* operator new(std::size_t size, const Self&, const Exchange& exchange,
                              const More&...) noexcept {
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
    return Task<T>{{}};
}
inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> Promise<void>::get_return_object_on_allocation_failure() noexcept {
    return Task<void>{{}};
}

struct Sleep {
    std::chrono::nanoseconds delay;

    bool await_ready() const noexcept { return delay.count() <= 0; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) const noexcept {
        Waiting* waiting = here.promise().waiting;
        waiting->wait_at(here);
        const Host& host = waiting->exchange.host();
        return host.timer()->run_after(host.raw(), waiting->ticket, static_cast<std::uint64_t>(delay.count()),
                                       waiting, &Waiting::go_on) == GANTRY_OK;
    }
    void await_resume() const noexcept {}
};

// What outlives the exchange while a thread is at it: on the heap, and never seen by the host.
template <class Work>
struct Job {
    using Returned = std::invoke_result_t<Work&>;
    // Of work that returns nothing: true, once it was done.
    using Answer = std::conditional_t<std::is_void_v<Returned>, bool, Returned>;

    const Host* host;
    Waiting* waiting;  // valid while the ticket is
    std::optional<Answer>* place;
    gantry_ticket_t ticket;
    Work work;
    std::optional<Answer> answer = {};

    // [any]
    static void run(void* state) noexcept {
        auto* job = static_cast<Job*>(state);
        guarded(*job->host, "work for blocking()", false, [&] {
            if constexpr (std::is_void_v<Returned>) {
                job->work();
                job->answer.emplace(true);
            } else {
                job->answer.emplace(job->work());
            }
            return true;
        });
        if (job->post() != GANTRY_OK) delete job;
    }
    Result post() noexcept { return host->async()->post(host->raw(), ticket, this, &finish); }

    // [worker], whether the client is still there or not.
    static void finish(void* state) noexcept {
        std::unique_ptr<Job> job{static_cast<Job*>(state)};
        if (job->host->async()->exchange_of(job->host->raw(), job->ticket) == nullptr) return;
        *job->place = std::move(job->answer);
        Waiting* waiting = job->waiting;
        job.reset();
        Waiting::go_on(waiting);
    }
};

template <class Work>
struct Blocking {
    Work work;
    std::optional<typename Job<Work>::Answer> answer = {};

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) {
        Waiting* waiting = here.promise().waiting;
        const Host& host = waiting->exchange.host();
        auto job = std::make_unique<Job<Work>>(Job<Work>{&host, waiting, &answer, {0, 0}, std::move(work)});
        waiting->wait_at(here);
        job->ticket = waiting->ticket;
        // Too many are waiting: nothing is the answer, and comes the same way.
        const bool begun = host.async()->run_blocking(host.raw(), job.get(), &Job<Work>::run) == GANTRY_OK ||
                           job->post() == GANTRY_OK;
        if (begun) job.release();
        return begun;
    }
    std::optional<typename Job<Work>::Answer> await_resume() noexcept { return std::move(answer); }
};

}  // namespace detail

inline detail::Sleep Exchange::sleep(std::chrono::nanoseconds delay) const noexcept {
    return {delay};
}

// The answer is a std::optional: nothing where too many wait already, or where `work` threw. `work` is moved away,
// and may be at it still when the client has left and the frame is gone: give it copies, not references.
template <class Work>
detail::Blocking<Work> Exchange::blocking(Work work) const {
    return {std::move(work)};
}

namespace detail {

// Runs a hook that is a coroutine up to its first wait. `begin(Exchange&)` returns the Task.
template <class Begin>
gantry_verdict_t run_task(Exchange exchange, const char* hook, Begin&& begin) noexcept {
    auto* waiting = exchange.make<Waiting>(Waiting{exchange, hook});
    if (waiting == nullptr) return GANTRY_FAIL;
    const auto handle = begin(waiting->exchange).release();
    if (!handle) return GANTRY_FAIL;
    handle.promise().waiting = waiting;
    waiting->outermost = handle;
    waiting->verdict_of = [](Waiting& self) noexcept {
        using Handle = std::remove_const_t<decltype(handle)>;
        return guarded(self.exchange.host(), self.hook, Verdict::Fail,
                       [&] { return Handle::from_address(self.outermost.address()).promise().take(); });
    };
    handle.resume();
    if (!handle.done()) return GANTRY_WAIT;
    const auto verdict = static_cast<gantry_verdict_t>(waiting->verdict_of(*waiting));
    if (!waiting->has_ticket) {
        handle.destroy();
        return verdict;
    }
    // It had to wait, and then could not: the ticket is there and has to be used.
    const Host& host = exchange.host();
    host.async()->resume(host.raw(), waiting->ticket, verdict);
    return GANTRY_WAIT;
}

}  // namespace detail
}  // namespace gantry::inline sdk
