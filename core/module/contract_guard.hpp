// Makes the tables that check of those that do: each function judges where it is called, then what it is
// given, then what else its header demands, and passes the call on.
#pragma once

#include "core/module/contract_call.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

#include <cstddef>
#include <fmt/format.h>
#include <type_traits>

// One member of a checked table, in a source that says which: kPlain, the table; kId, its id.
#define GANTRY_CHECKED(member, ...)                                                  \
    .member = contract::Guard<decltype(kPlain.member)>::template call<               \
        &std::remove_cvref_t<decltype(kPlain)>::member, kPlain, contract::Text(kId), \
        contract::Text(#member), __VA_ARGS__>

// The same where `function` takes the place of the plain one, which it calls.
#define GANTRY_CHECKED_BY(member, function, ...)                                                        \
    .member =                                                                                           \
        contract::Guard<decltype(kPlain.member)>::template call<&function, kPlain, contract::Text(kId), \
                                                                contract::Text(#member), __VA_ARGS__>

namespace gantry::module::contract {

// A literal, as the parameter of a template.
template <std::size_t size>
struct Text {
    char data[size]{};
    consteval explicit Text(const char (&text)[size]) {
        for (std::size_t i = 0; i < size; ++i) data[i] = text[i];
    }
};

// ---- threads

struct AnyThread {
    template <class... Arguments>
    void operator()(const Call&, const Arguments&...) const {}
};
struct OnMain {
    template <class... Arguments>
    void operator()(const Call& call, const Arguments&...) const {
        if (server::WorkerContext::here() != nullptr || !is_main())
            broken(call, fmt::format("[main] called on {}", here()));
    }
};
struct OnWorker {
    template <class... Arguments>
    void operator()(const Call& call, const Arguments&...) const {
        if (server::WorkerContext::here() == nullptr)
            broken(call, fmt::format("[worker] called on {}", here()));
    }
};
struct OnWorkerOrMain {
    template <class... Arguments>
    void operator()(const Call& call, const Arguments&...) const {
        if (server::WorkerContext::here() == nullptr && !is_main())
            broken(call, fmt::format("[worker] or [main], called on {}", here()));
    }
};
inline constexpr AnyThread kAny;
inline constexpr OnMain kMain;
inline constexpr OnWorker kWorker;
inline constexpr OnWorkerOrMain kWorkerOrMain;

// ---- what it is given, by its type

// Structs that modules fill, by their names.
template <class Struct>
inline constexpr const char* kNameOf = nullptr;
template <>
inline constexpr const char* kNameOf<gantry_body_reader_t> = "gantry_body_reader_t";
template <>
inline constexpr const char* kNameOf<gantry_hook_t> = "gantry_hook_t";
template <>
inline constexpr const char* kNameOf<gantry_header_filter_t> = "gantry_header_filter_t";
template <>
inline constexpr const char* kNameOf<gantry_body_filter_t> = "gantry_body_filter_t";
template <>
inline constexpr const char* kNameOf<gantry_conn_filter_t> = "gantry_conn_filter_t";
template <>
inline constexpr const char* kNameOf<gantry_hello_hook_t> = "gantry_hello_hook_t";
template <>
inline constexpr const char* kNameOf<gantry_picker_t> = "gantry_picker_t";
template <>
inline constexpr const char* kNameOf<gantry_metric_t> = "gantry_metric_t";
template <>
inline constexpr const char* kNameOf<gantry_metric_visitor_t> = "gantry_metric_visitor_t";
template <>
inline constexpr const char* kNameOf<gantry_route_t> = "gantry_route_t";
template <>
inline constexpr const char* kNameOf<gantry_subscription_t> = "gantry_subscription_t";
template <>
inline constexpr const char* kNameOf<gantry_target_options_t> = "gantry_target_options_t";
template <>
inline constexpr const char* kNameOf<gantry_client_request_t> = "gantry_client_request_t";
template <>
inline constexpr const char* kNameOf<gantry_client_events_t> = "gantry_client_events_t";
template <>
inline constexpr const char* kNameOf<gantry_fd_events_t> = "gantry_fd_events_t";
template <>
inline constexpr const char* kNameOf<gantry_certificate_pem_t> = "gantry_certificate_pem_t";
template <>
inline constexpr const char* kNameOf<gantry_certificate_report_t> = "gantry_certificate_report_t";

template <class Given>
void judge(const Call& call, const Given& given) {
    if constexpr (std::is_pointer_v<Given>) {
        using Struct = std::remove_cv_t<std::remove_pointer_t<Given>>;
        if constexpr (std::is_same_v<Struct, gantry_exchange_t>) {
            judge_exchange(call, reinterpret_cast<const server::Exchange*>(given));
        } else if constexpr (std::is_same_v<Struct, gantry_scope_t>) {
            judge_scope(call, given);
        } else if constexpr (std::is_same_v<Struct, gantry_host_t>) {
            judge_host(call, given);
        } else if constexpr (std::is_same_v<Struct, gantry_sink_t>) {
            judge_running(call, given, "a sink");
        } else if constexpr (std::is_same_v<Struct, gantry_conn_t>) {
            judge_running(call, given, "a connection");
        } else if constexpr (std::is_same_v<Struct, gantry_hello_t>) {
            judge_running(call, given, "a hello");
        } else if constexpr (std::is_same_v<Struct, gantry_call_t>) {
            judge_running(call, given, "a call");
        } else if constexpr (std::is_same_v<Struct, gantry_value_t>) {
            judge_handle(call, given, "a value");
        } else if constexpr (std::is_same_v<Struct, gantry_peers_t>) {
            judge_handle(call, given, "a list of peers");
        } else if constexpr (std::is_same_v<Struct, gantry_walk_t>) {
            judge_handle(call, given, "a walk");
        } else if constexpr (std::is_same_v<Struct, gantry_target_t>) {
            judge_handle(call, given, "a target");
        } else if constexpr (std::is_same_v<Struct, gantry_watcher_t>) {
            judge_handle(call, given, "a watcher");
        } else if constexpr (!std::is_function_v<Struct> && !std::is_void_v<Struct>) {
            if constexpr (kNameOf<Struct> != nullptr) {
                if (given != nullptr && !is_enough<Struct>(given->size))
                    broken(call, fmt::format("the size of its {} is {}, and {} is the least", kNameOf<Struct>,
                                             given->size, kLeastOf<Struct>));
            }
        }
    }
}

template <class First, class... More>
const gantry_host_t* host_among(First first, More... more) {
    if constexpr (std::is_same_v<First, const gantry_host_t*>) return first;
    if constexpr (sizeof...(More) > 0) return host_among(more...);
    return nullptr;
}
inline const gantry_host_t* host_among() {
    return nullptr;
}

// ---- the functions

template <class Function>
struct Guard;

template <class Result, class... Arguments>
struct Guard<Result (*)(Arguments...) noexcept> {
    // `passed_to`: a member of the table, or a function that takes its place and the call as well.
    template <auto passed_to, const auto& table, Text id, Text name, auto thread, auto... rules>
    static Result call(Arguments... given) noexcept {
        const Call here{id.data, name.data, __builtin_return_address(0), host_among(given...)};
        thread(here);
        (judge(here, given), ...);
        (rules(here, given...), ...);
        if constexpr (std::is_member_pointer_v<decltype(passed_to)>) {
            return (table.*passed_to)(given...);
        } else {
            return passed_to(here, given...);
        }
    }
};
template <class Result, class... Arguments>
struct Guard<Result (*const)(Arguments...) noexcept> : Guard<Result (*)(Arguments...) noexcept> {};

// ---- code of modules

// What stands for a function of a module whose second argument is its own: the first one may be used while it
// runs.
template <class Function>
struct Through;
template <class Result, class Handle, class... More>
struct Through<Result (*)(Handle*, void*, More...) noexcept> {
    static Result run(Handle* handle, void* self, More... more) noexcept {
        const Callback& callback = *static_cast<const Callback*>(self);
        const Running running(callback, handle);
        return reinterpret_cast<Result (*)(Handle*, void*, More...) noexcept>(callback.run)(
            handle, callback.self, more...);
    }
};

// Puts what stands for it into `declared`, which has `run`, or `pick`, and `self`.
template <class Declared, class Function>
void stand_in(const gantry_scope_t& scope, Place place, Declared& declared, Function Declared::* run) {
    if (declared.*run == nullptr || declared.name == nullptr) return;
    const Callback& kept = scope.kept->callbacks.emplace_back(Callback{
        scope.module, place, declared.name, reinterpret_cast<void (*)()>(declared.*run), declared.self});
    declared.*run = &Through<Function>::run;
    declared.self = const_cast<Callback*>(&kept);
}

}  // namespace gantry::module::contract
