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

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
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

template <class Begin>
class Until;

}  // namespace detail

// Wakes a coroutine that awaits Exchange::until(). A value: copy it into whatever will be called back. Too late and
// twice do no harm.
class Waker {
public:
    // [any]
    void wake() const noexcept {
        auto* note = new (std::nothrow) Waker{*this};
        if (note == nullptr) return;  // its time limit wakes it
        if (host_->async()->post(host_->raw(), ticket_, note, &arrive) != GANTRY_OK) delete note;
    }

private:
    template <class Begin>
    friend class detail::Until;

    Waker(detail::Waiting& waiting, bool& is_woken) noexcept
        : host_(&waiting.exchange.host()),
          waiting_(&waiting),
          is_woken_(&is_woken),
          ticket_(waiting.ticket),
          wait_(waiting.waits) {}

    // [worker]
    static void arrive(void* state) noexcept {
        const Waker note = *static_cast<Waker*>(state);
        delete static_cast<Waker*>(state);
        if (note.host_->async()->exchange_of(note.host_->raw(), note.ticket_) == nullptr) return;
        if (note.waiting_->waits != note.wait_) return;  // it has gone on by itself
        *note.is_woken_ = true;
        detail::Waiting::go_on(note.waiting_);
    }
    // [worker], and the ticket is valid.
    static void time_is_over(void* state) noexcept {
        const Waker& note = *static_cast<Waker*>(state);
        if (note.waiting_->waits == note.wait_) detail::Waiting::go_on(note.waiting_);
    }

    const Host* host_;
    detail::Waiting* waiting_;  // these two: valid while the ticket is
    bool* is_woken_;
    gantry_ticket_t ticket_;
    std::uint32_t wait_;
};

namespace detail {

template <class Begin>
class Until {
public:
    Until(std::chrono::nanoseconds limit, Begin begin) noexcept : limit_(limit), begin_(begin) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) {
        Waiting* waiting = here.promise().waiting;
        const Host& host = waiting->exchange.host();
        waiting->wait_at(here);
        auto* alarm = waiting->exchange.template make<Waker>(Waker{*waiting, is_woken_});
        const auto delay = static_cast<std::uint64_t>(std::max(limit_, std::chrono::nanoseconds{0}).count());
        const bool has_limit =
            alarm != nullptr && host.timer()->run_after(host.raw(), waiting->ticket, delay, alarm,
                                                        &Waker::time_is_over) == GANTRY_OK;
        if (has_limit) begin_(Waker{*waiting, is_woken_});
        return has_limit;
    }
    bool await_resume() const noexcept { return is_woken_; }

private:
    std::chrono::nanoseconds limit_;
    Begin begin_;
    bool is_woken_ = false;
};

}  // namespace detail

template <class Begin>
auto Exchange::until(std::chrono::nanoseconds limit, Begin begin) const {
    static_assert(std::is_trivially_copyable_v<Begin>,
                  "until() calls `begin` at once: let it capture by reference");
    return detail::Until<Begin>{limit, begin};
}

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
