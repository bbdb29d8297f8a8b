// What happened, told to whoever subscribed. gantry/ext/events.h says what each thing means.
//
// Publishing is an operation of the store, given to ask():
//
//     co_await exchange.ask(gantry::events::publish("visit.counted", exchange.path(), "{}"));
//     host.publish("visit.counted", path, "{}");                            // whatever becomes of it
//
// A subscription belongs to the State of the module, so that there is one in each generation:
//
//     struct Chronicle {
//         static constexpr gantry::Subscription subscription{.name = "chronicle", .types = "visit.*, host.changed"};
//         gantry::Verdict event(const gantry::Event& event);                  // Done, Fail: again later, Wait
//         static std::unique_ptr<Chronicle> prepare(gantry::Scope& scope, Chronicle* old);
//     };
//     GANTRY_MODULE("visits", "1.0.0", "…", gantry::State<Chronicle>, gantry::Subscriber<Chronicle>);
//
// A module with several has a type for each, whose function is static and is given the State:
//
//     static gantry::Verdict event(Chronicle& state, const gantry::Event& event);
//
// After Verdict::Wait, host.settle(event.delivery, is_done) says what became of it.
#pragma once

#include "gantry/roles.hpp"
#include "gantry/store.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string_view>

namespace gantry::inline sdk {

// The texts are valid in event() alone.
struct Event {
    std::string_view type;     // "container.started"
    std::string_view subject;  // whom it is about
    std::string_view source;   // who published it
    std::string_view data;
    std::uint64_t id;
    std::uint32_t attempt;          // 1: for the first time
    std::chrono::nanoseconds time;  // since 1970: published at
    gantry_delivery_t delivery;     // for Host::settle()
};

struct Subscription {
    const char* name;
    const char* types;                    // "container.*, host.changed"
    std::chrono::nanoseconds lease = {};  // 0: 30 s
    std::chrono::nanoseconds retry = {};  // 0: 1 s
    std::uint32_t attempts = 0;           // 0: 10
    std::uint32_t at_a_time = 0;          // 0: 1
    bool from_oldest = false;             // at first also what was published before
};

namespace events {

// For ask().
inline auto publish(std::string_view type, std::string_view subject, std::string_view data) {
    return [=](const auto*, const gantry_host_t* host, const gantry_store_reply_t* reply) -> gantry_result_t {
        const auto* table = static_cast<const gantry_events_1_t*>(host->get_extension(host, GANTRY_EVENTS_1));
        return table == nullptr ? GANTRY_ERROR_STATE
                                : table->publish(host, bytes(type), bytes(subject), bytes(data), reply);
    };
}

}  // namespace events

inline gantry_result_t Host::publish(std::string_view type, std::string_view subject,
                                     std::string_view data) const noexcept {
    return events::publish(type, subject, data)(store_, raw_, nullptr);
}

// T: a type with `subscription`, and event().
template <class T>
struct Subscriber {
    using Object = T;
    static constexpr bool kIsState = true;  // it is in no place of the configuration
    static constexpr bool kIsSubscriber = true;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;

    template <class S>
    static constexpr bool kIsStatic = requires(S& state, const Event& event) {
        { T::event(state, event) } -> std::same_as<Verdict>;
    };
    template <class S>
    static constexpr bool kIsMember = std::same_as<S, T> && requires(T& state, const Event& event) {
        { state.event(event) } -> std::same_as<Verdict>;
    };

    // S: the State of the module. `generation` has its `state` and `host`, and lives until retire().
    template <class S, class Generation>
    static Result add(Scope& scope, Generation& generation) noexcept {
        static_assert(
            kIsStatic<S> || kIsMember<S>,
            "gantry::Subscriber<T>: T is the State of the module and has `gantry::Verdict event(const "
            "gantry::Event&)`, or has `static gantry::Verdict event(State&, const gantry::Event&)`");
        const auto* table = scope.host().find<gantry_events_1_t>(GANTRY_EVENTS_1);
        if (table == nullptr) return GANTRY_ERROR_STATE;
        constexpr Subscription wanted = T::subscription;
        const gantry_subscription_t raw{sizeof(gantry_subscription_t),
                                        wanted.from_oldest ? GANTRY_EVENTS_FROM_OLDEST : 0,
                                        wanted.name,
                                        wanted.types,
                                        &deliver<S, Generation>,
                                        &generation,
                                        store::count_of(wanted.lease),
                                        store::count_of(wanted.retry),
                                        wanted.attempts,
                                        wanted.at_a_time};
        return table->subscribe(scope.raw(), &raw);
    }

private:
    template <class S, class Generation>
    static gantry_verdict_t deliver(void* self, const gantry_event_t* raw,
                                    gantry_delivery_t delivery) noexcept {
        auto& generation = *static_cast<Generation*>(self);
        return detail::guarded(*generation.host, T::subscription.name, GANTRY_FAIL, [&] {
            const Event event{view(raw->type),
                              view(raw->subject),
                              view(raw->source),
                              view(raw->data),
                              raw->id,
                              raw->attempt,
                              std::chrono::nanoseconds{static_cast<std::int64_t>(raw->time)},
                              delivery};
            if constexpr (kIsStatic<S>)
                return static_cast<gantry_verdict_t>(T::event(*generation.state, event));
            else
                return static_cast<gantry_verdict_t>(generation.state->event(event));
        });
    }
};

}  // namespace gantry::inline sdk
