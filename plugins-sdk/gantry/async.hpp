// Hooks that wait, as coroutines: while one waits, its worker serves others.
//
//     gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) {
//         co_await exchange.sleep(50ms);
//         const auto known = co_await exchange.blocking(&look_up_on_disk, std::string{exchange.path()});
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

#include "gantry/task.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace gantry::inline sdk {
namespace detail {

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

// What is done on another thread: a function, and its arguments.
template <class Function, class... Arguments>
struct Work {
    using Returned = std::invoke_result_t<Function, Arguments...>;
    // Of a function that returns nothing: true, once it was done.
    using Answer = std::conditional_t<std::is_void_v<Returned>, bool, Returned>;

    Function function;
    std::tuple<Arguments...> arguments;

    Answer run() {
        if constexpr (std::is_void_v<Returned>) {
            std::apply(function, std::move(arguments));
            return true;
        } else {
            return std::apply(function, std::move(arguments));
        }
    }
};

// What outlives the exchange while a thread is at it: on the heap, and never seen by the host.
template <class Work>
struct Job {
    using Answer = typename Work::Answer;

    const Host* host;
    Waiting* waiting;  // valid while the ticket is
    std::optional<Answer>* place;
    gantry_ticket_t ticket;
    Work work;
    std::optional<Answer> answer = {};

    // [any]
    static void run(void* state) noexcept {
        auto* job = static_cast<Job*>(state);
        guarded(*job->host, "work for blocking()", false, [job] {
            job->answer.emplace(job->work.run());
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
class Blocking {
public:
    using Answer = typename Work::Answer;

    explicit Blocking(Work work) : work_(std::move(work)) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) {
        Waiting* waiting = here.promise().waiting;
        const Host& host = waiting->exchange.host();
        auto job = std::make_unique<Job<Work>>(Job<Work>{&host, waiting, &answer_, {0, 0}, std::move(work_)});
        waiting->wait_at(here);
        job->ticket = waiting->ticket;
        // Where too many wait already, nothing is the answer, and comes the same way.
        const bool begun = host.async()->run_blocking(host.raw(), job.get(), &Job<Work>::run) == GANTRY_OK ||
                           job->post() == GANTRY_OK;
        if (begun) static_cast<void>(job.release());
        return begun;
    }
    std::optional<Answer> await_resume() noexcept { return std::move(answer_); }

private:
    Work work_;
    std::optional<Answer> answer_ = {};
};

}  // namespace detail

inline detail::Sleep Exchange::sleep(std::chrono::nanoseconds delay) const noexcept {
    return {delay};
}

template <class Function, class... Arguments>
auto Exchange::blocking(Function function, Arguments&&... arguments) const {
    static_assert(
        std::is_empty_v<Function> || std::is_pointer_v<Function>,
        "blocking() takes a function, or a lambda without captures, and then its arguments, which are "
        "copied: what it would capture may be gone before it is done");
    static_assert(
        (!std::is_same_v<std::decay_t<Arguments>, std::string_view> && ...),
        "what a std::string_view stands for may be gone before blocking() is done: give a std::string");
    using Work = detail::Work<Function, std::decay_t<Arguments>...>;
    return detail::Blocking<Work>{Work{function, {std::forward<Arguments>(arguments)...}}};
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
