// What outlives the process: values, counters and streams of this module. gantry/ext/store.h says what each operation
// means.
//
// In a coroutine, while its worker serves others:
//
//     const auto seen = co_await exchange.ask(gantry::store::get("key"));
//     if (seen) use(seen.value());
//
// And beside the traffic, on the main thread, where `done` is called later, on the main thread as well:
//
//     host.ask(gantry::store::append("audit", line), [](const gantry::Answer& answer) { ... });
#pragma once

#include "gantry/task.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gantry::inline sdk {

enum class Outcome : gantry_outcome_t {
    Stored = GANTRY_STORED,      // done
    Absent = GANTRY_ABSENT,      // there is nothing of that name
    Conflict = GANTRY_CONFLICT,  // another version than was expected
    Full = GANTRY_FULL,          // no room; nothing was changed
    Unavailable =
        GANTRY_UNAVAILABLE,  // nothing was changed; also: too much waits already, or there is no store
};

// A copy of what the store answered.
struct Answer {
    struct Entry {
        std::string key = {};  // of a value
        std::string value = {};
        std::uint64_t version = 0;           // of a value
        std::uint64_t id = 0;                // in a stream
        std::uint32_t attempts = 0;          // in a stream: how often it was delivered
        std::chrono::nanoseconds time = {};  // since 1970: appended at; of a value: ends at, 0 = never
    };

    Outcome outcome = Outcome::Unavailable;
    std::uint64_t version = 0;  // get, put; of a conflict: the one that is there, 0 = none
    std::uint64_t id = 0;       // append
    std::int64_t count = 0;     // add: of this window
    std::int64_t previous = 0;  // add: of the one before
    std::chrono::nanoseconds into_window = {};
    std::vector<Entry> entries = {};  // get (one), list, read, claim, dead

    explicit operator bool() const noexcept { return outcome == Outcome::Stored; }
    // Of get(); "" where there is none.
    std::string_view value() const noexcept {
        return entries.empty() ? std::string_view{} : std::string_view{entries.front().value};
    }

    static Answer of(const gantry_store_answer_t& raw) {
        using std::chrono::nanoseconds;
        Answer answer{static_cast<Outcome>(raw.outcome),
                      raw.version,
                      raw.id,
                      raw.count,
                      raw.previous,
                      nanoseconds{static_cast<std::int64_t>(raw.into_window)}};
        answer.entries.reserve(raw.entry_count);
        for (std::size_t i = 0; i < raw.entry_count; ++i) {
            const gantry_store_entry_t& entry = raw.entries[i];
            answer.entries.push_back({std::string{view(entry.key)}, std::string{view(entry.value)},
                                      entry.version, entry.id, entry.attempts,
                                      nanoseconds{static_cast<std::int64_t>(entry.time)}});
        }
        return answer;
    }
};

// Operations: what is given to ask(), at once, as they refer to the bytes that they were made of.
namespace store {

using std::chrono::nanoseconds;
constexpr std::uint64_t any_version = GANTRY_ANY_VERSION;
constexpr std::uint64_t none = 0;  // expected: only where there is nothing

inline std::uint64_t count_of(nanoseconds time) {
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

inline auto get(std::string_view key) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->get(host, bytes(key), reply);
    };
}
inline auto put(std::string_view key, std::string_view value, nanoseconds lifetime = {},
                std::uint64_t expected = any_version) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->put(host, bytes(key), bytes(value), count_of(lifetime), expected, reply);
    };
}
inline auto erase(std::string_view key, std::uint64_t expected = any_version) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->erase(host, bytes(key), expected, reply);
    };
}
inline auto list(std::string_view prefix = {}, std::string_view after = {},
                 std::uint32_t limit = GANTRY_STORE_ENTRIES_MAX) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->list(host, bytes(prefix), bytes(after), limit, reply);
    };
}
// 0: a window that never ends.
inline auto add(std::string_view key, std::int64_t amount, nanoseconds window = {}) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->add(host, bytes(key), amount, count_of(window), reply);
    };
}
// 0: all are kept.
inline auto append(std::string_view stream, std::string_view value, std::uint64_t keep = 0) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->append(host, bytes(stream), bytes(value), keep, reply);
    };
}
inline auto read(std::string_view stream, std::uint64_t after = 0,
                 std::uint32_t limit = GANTRY_STORE_ENTRIES_MAX) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->read(host, bytes(stream), after, limit, reply);
    };
}
// 0 attempts: without end.
inline auto claim(std::string_view stream, std::string_view group, std::uint32_t limit, nanoseconds lease,
                  std::uint32_t attempts = 0) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->claim(host, bytes(stream), bytes(group), limit, count_of(lease), attempts, reply);
    };
}
inline auto acknowledge(std::string_view stream, std::string_view group,
                        const std::vector<std::uint64_t>& ids) {
    return [=, &ids](const auto* table, const auto* host, const auto* reply) {
        return table->acknowledge(host, bytes(stream), bytes(group), ids.data(),
                                  static_cast<std::uint32_t>(ids.size()), reply);
    };
}
inline auto reject(std::string_view stream, std::string_view group, std::uint64_t id,
                   nanoseconds delay = {}) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->reject(host, bytes(stream), bytes(group), id, count_of(delay), reply);
    };
}
inline auto dead(std::string_view stream, std::string_view group, std::uint64_t after = 0,
                 std::uint32_t limit = GANTRY_STORE_ENTRIES_MAX) {
    return [=](const auto* table, const auto* host, const auto* reply) {
        return table->dead(host, bytes(stream), bytes(group), after, limit, reply);
    };
}

}  // namespace store

namespace detail {

template <class Operation>
gantry_result_t begin(const Host& host, const Operation& operation, const gantry_store_reply_t& reply) {
    const gantry_store_1_t* table = host.store();
    return table == nullptr ? GANTRY_ERROR_STATE : operation(table, host.raw(), &reply);
}

// What waits for the store outside of the exchange, which may be over before it answers.
struct Question {
    const Host* host;
    Waiting* waiting;  // these two: valid while the ticket is
    Answer* place;
    gantry_ticket_t ticket;

    // [worker], but where gantry ends
    static void done(void* state, const gantry_store_answer_t* raw) noexcept {
        const std::unique_ptr<Question> self{static_cast<Question*>(state)};
        if (self->host->async()->exchange_of(self->host->raw(), self->ticket) == nullptr) return;
        guarded(*self->host, "an answer of the store", false, [&] {
            *self->place = Answer::of(*raw);
            return true;
        });
        Waiting::go_on(self->waiting);
    }
};

template <class Operation>
class Asking {
public:
    explicit Asking(Operation operation) : operation_(operation) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) {
        Waiting* waiting = here.promise().waiting;
        const Host& host = waiting->exchange.host();
        auto question = std::make_unique<Question>(Question{&host, waiting, &answer_, {0, 0}});
        waiting->wait_at(here);
        question->ticket = waiting->ticket;
        if (begin(host, operation_, {waiting->ticket, question.get(), &Question::done}) != GANTRY_OK)
            return false;
        static_cast<void>(question.release());
        return true;
    }
    Answer await_resume() noexcept { return std::move(answer_); }

private:
    Operation operation_;
    Answer answer_ = {};
};

template <class Done>
struct Errand {
    const Host* host;
    Done task;

    // [main], but where gantry ends
    static void done(void* state, const gantry_store_answer_t* raw) noexcept {
        const std::unique_ptr<Errand> self{static_cast<Errand*>(state)};
        guarded(*self->host, "an answer of the store", false, [&] {
            self->task(Answer::of(*raw));
            return true;
        });
    }
};

}  // namespace detail

template <class Operation>
auto Exchange::ask(Operation operation) const {
    return detail::Asking<Operation>{operation};
}

template <class Operation, class Done>
gantry_result_t Host::ask(Operation operation, Done done) const {
    auto errand = std::make_unique<detail::Errand<Done>>(detail::Errand<Done>{this, std::move(done)});
    const gantry_result_t result =
        detail::begin(*this, operation, {{0, 0}, errand.get(), &detail::Errand<Done>::done});
    if (result == GANTRY_OK) static_cast<void>(errand.release());
    return result;
}

}  // namespace gantry::inline sdk
