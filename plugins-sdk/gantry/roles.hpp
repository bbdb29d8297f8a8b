// The roles that a type can have in a module, each a few lines over one C table; module.hpp has the list.
//
// A body filter is a type with a nested type Body, of which there is one for each response that it changes:
//
//     struct Shout {
//         struct Body {
//             void data(std::string_view data, gantry::Sink& sink);      // the next bytes, never none
//             void end(gantry::Sink& sink);                              // what was held back goes out
//             void pause(gantry::Sink& sink);                            // optional: what the client could use does
//         };
//         static std::unique_ptr<Shout> create(gantry::Scope& scope);
//         std::optional<Body> filter(gantry::Exchange& exchange);        // nothing: this body stays as it is
//     };
//
// filter() runs just before the head is sent, and may change it. data(), end() and pause() may return bool: false cuts
// the response so that the client can tell. A Body lives in the memory of the exchange, and its destructor
// runs, however the response ends; it must not use the exchange. All of it is [worker] [running].
#pragma once

#include "gantry/async.hpp"

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace gantry::inline sdk {

// Where the bytes go that a body filter lets out.
class Sink {
public:
    Sink(gantry_sink_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}
    void send(std::string_view data) noexcept {
        if (!data.empty()) host_->filter()->send(raw_, bytes(data));
    }

private:
    gantry_sink_t* raw_;
    const Host* host_;
};

namespace detail {

template <class T>
struct IsTask : std::false_type {};
template <>
struct IsTask<Task<Verdict>> : std::true_type {};

// What a hook may return.
template <class Answer>
concept Answers = std::same_as<Answer, Verdict> || IsTask<Answer>::value;

// A T at work in one place of the configuration: what its hooks are given as `self`.
template <class T>
struct Place {
    const Host* host;
    const char* module;
    std::unique_ptr<T> object;

    const char* name() const noexcept {
        if constexpr (requires {
                          { T::name } -> std::convertible_to<const char*>;
                      })
            return T::name;
        return module;
    }
    static constexpr const char* before() noexcept {
        if constexpr (requires {
                          { T::before } -> std::convertible_to<const char*>;
                      })
            return T::before;
        return nullptr;
    }
    static constexpr const char* after() noexcept {
        if constexpr (requires {
                          { T::after } -> std::convertible_to<const char*>;
                      })
            return T::after;
        return nullptr;
    }
};

// A hook of a phase. `Role::ask(object, exchange)` calls the function of T.
template <class Role, class T>
struct PhaseRole {
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;

    static Result add(Scope& scope, Place<T>& place) noexcept {
        const gantry_hook_t hook{sizeof(gantry_hook_t), flags(),           Role::kPhase, place.name(),
                                 Place<T>::before(),    Place<T>::after(), &run,         &place};
        return scope.host().phase()->add(scope.raw(), &hook);
    }

    static constexpr std::uint32_t flags() {
        if constexpr (requires { T::takes_preflights; })
            return T::takes_preflights ? GANTRY_HOOK_PREFLIGHTS : 0;
        return 0;
    }

    static gantry_verdict_t run(gantry_exchange_t* raw, void* self) noexcept {
        auto& place = *static_cast<Place<T>*>(self);
        Exchange exchange{raw, *place.host};
        using Answer = decltype(Role::ask(*place.object, exchange));
        if constexpr (IsTask<Answer>::value) {
            return run_task(exchange, place.name(),
                            [&](Exchange& lasting) { return Role::ask(*place.object, lasting); });
        } else if constexpr (std::is_void_v<Answer>) {
            return guarded(*place.host, place.name(), GANTRY_FAIL, [&] {
                Role::ask(*place.object, exchange);
                return GANTRY_NEXT;
            });
        } else {
            return guarded(*place.host, place.name(), GANTRY_FAIL,
                           [&] { return static_cast<gantry_verdict_t>(Role::ask(*place.object, exchange)); });
        }
    }
};

}  // namespace detail

// One block for each phase: they differ in three words.
#define GANTRY_PHASE_ROLE(Role, phase, function)                                                        \
    template <class T>                                                                                  \
    struct Role : detail::PhaseRole<Role<T>, T> {                                                       \
        static constexpr bool kHasFunction = requires(T& object, Exchange& exchange) {                  \
            { object.function(exchange) } -> detail::Answers;                                           \
        };                                                                                              \
        static_assert(kHasFunction, "gantry::" #Role "<T>: T needs `gantry::Verdict " #function         \
                                    "(gantry::Exchange&)`, or "                                         \
                                    "`gantry::Task<gantry::Verdict> " #function "(gantry::Exchange)`"); \
        static constexpr const char* kPhase = phase;                                                    \
        static constexpr bool kNeedsAsync = requires(T& object, Exchange& exchange) {                   \
            { object.function(exchange) } -> std::same_as<Task<Verdict>>;                               \
        };                                                                                              \
        template <class Object>                                                                         \
        static auto ask(Object& object, Exchange& exchange) {                                           \
            if constexpr (kHasFunction)                                                                 \
                return object.function(exchange);                                                       \
            else                                                                                        \
                return Verdict::Fail; /* one error is enough */                                         \
        }                                                                                               \
    }

GANTRY_PHASE_ROLE(Rewrite, "rewrite", rewrite);
GANTRY_PHASE_ROLE(Preaccess, "preaccess", preaccess);
GANTRY_PHASE_ROLE(Access, "access", access);
GANTRY_PHASE_ROLE(Precontent, "precontent", precontent);
GANTRY_PHASE_ROLE(Handler, "content", handle);
#undef GANTRY_PHASE_ROLE

template <class T>
struct Logger : detail::PhaseRole<Logger<T>, T> {
    static_assert(
        requires(T& object, Exchange& exchange) {
            { object.log(exchange) } -> std::same_as<void>;
        }, "gantry::Logger<T>: T needs `void log(gantry::Exchange&)`");
    static constexpr const char* kPhase = "log";
    static void ask(T& object, Exchange& exchange) { object.log(exchange); }
};

template <class T>
struct HeaderFilter {
    static_assert(
        requires(T& object, Exchange& exchange) {
            { object.head(exchange) } -> std::same_as<void>;
        }, "gantry::HeaderFilter<T>: T needs `void head(gantry::Exchange&)`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = true;
    static constexpr bool kNeedsAsync = false;

    static Result add(Scope& scope, detail::Place<T>& place) noexcept {
        const gantry_header_filter_t filter{
            sizeof(gantry_header_filter_t), 0, place.name(), place.before(), place.after(), &run, &place};
        return scope.host().filter()->add_header_filter(scope.raw(), &filter);
    }

    static void run(gantry_exchange_t* raw, void* self) noexcept {
        auto& place = *static_cast<detail::Place<T>*>(self);
        detail::guarded(*place.host, place.name(), false, [&] {
            Exchange exchange{raw, *place.host};
            place.object->head(exchange);
            return true;
        });
    }
};

template <class T>
struct BodyFilter {
    static_assert(
        requires(T& object, Exchange& exchange) {
            { object.filter(exchange) } -> std::same_as<std::optional<typename T::Body>>;
        }, "gantry::BodyFilter<T>: T needs a type Body and `std::optional<Body> filter(gantry::Exchange&)`");
    static_assert(
        requires(typename T::Body& body, std::string_view data, Sink& sink) {
            body.data(data, sink);
            body.end(sink);
        },
        "gantry::BodyFilter<T>: T::Body needs `data(std::string_view, gantry::Sink&)` and "
        "`end(gantry::Sink&)`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = true;
    static constexpr bool kNeedsAsync = false;

    // One body on its way; in the memory of the exchange.
    struct Passage {
        typename T::Body body;
        const detail::Place<T>* place;
    };

    static Result add(Scope& scope, detail::Place<T>& place) noexcept {
        const gantry_header_filter_t filter{
            sizeof(gantry_header_filter_t), 0, place.name(), place.before(), place.after(), &begin, &place};
        return scope.host().filter()->add_header_filter(scope.raw(), &filter);
    }

    static void begin(gantry_exchange_t* raw, void* self) noexcept {
        auto& place = *static_cast<detail::Place<T>*>(self);
        const Host& host = *place.host;
        detail::guarded(host, place.name(), false, [&] {
            Exchange exchange{raw, host};
            auto body = place.object->filter(exchange);
            if (!body) return true;
            void* memory = host.http()->allocate(raw, sizeof(Passage));
            if (memory == nullptr) return false;
            auto* passage = new (memory) Passage{std::move(*body), &place};
            const gantry_body_filter_t filter{
                sizeof(gantry_body_filter_t), 0, &on_data, &on_end, &drop, kPause};
            if (host.filter()->add_body_filter(raw, &filter, passage) != GANTRY_OK) passage->~Passage();
            return true;
        });
    }

    static bool on_data(void* state, gantry_bytes_t data, gantry_sink_t* raw) noexcept {
        return pass(state, raw, [data](auto& body, Sink& sink) { return body.data(view(data), sink); });
    }
    static bool on_end(void* state, gantry_sink_t* raw) noexcept {
        return pass(state, raw, [](auto& body, Sink& sink) { return body.end(sink); });
    }
    static bool on_pause(void* state, gantry_sink_t* raw) noexcept {
        return pass(state, raw, [](auto& body, Sink& sink) {
            if constexpr (kHasPause) return body.pause(sink);
        });
    }
    static void drop(void* state) noexcept { static_cast<Passage*>(state)->~Passage(); }

    static constexpr bool kHasPause = requires(typename T::Body& body, Sink& sink) { body.pause(sink); };
    static constexpr auto kPause = kHasPause ? &on_pause : nullptr;

    template <class Call>
    static bool pass(void* state, gantry_sink_t* raw, Call&& call) noexcept {
        auto& passage = *static_cast<Passage*>(state);
        return detail::guarded(*passage.place->host, passage.place->name(), false, [&] {
            Sink sink{raw, *passage.place->host};
            if constexpr (std::is_void_v<decltype(call(passage.body, sink))>) {
                call(passage.body, sink);
                return true;
            } else {
                return call(passage.body, sink);
            }
        });
    }
};

}  // namespace gantry::inline sdk
