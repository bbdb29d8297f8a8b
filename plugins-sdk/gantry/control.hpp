// Routes of a module on the control API, below /v1/modules/NAME/, and how they answer. gantry/ext/control.h says more, and
// how the command line comes to ask them.
//
//     struct Tally {
//         static std::unique_ptr<Tally> prepare(gantry::Scope& top, Tally* old);
//         void control(gantry::Routes<Tally>& routes) {
//             routes.get("count", &Tally::count);
//         }
//         void count(gantry::Call call) {
//             call.answer(gantry::json::Object().add("requests", requests));
//         }
//     };
//     GANTRY_MODULE("tally", "1.0.0", "Counts.", gantry::State<Tally>, gantry::Control<Tally>);
//
// control() is called behind prepare(), and says what this configuration has. A route is called on the main thread.
#pragma once

#include "gantry/conf.hpp"
#include "gantry/json.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::inline sdk {

// Whom to answer, once: a value that may be kept, and used by any thread. What was answered already, or took too long, is
// GANTRY_ERROR_STALE. [any]
class Reply {
public:
    Reply(gantry_reply_t raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    gantry_result_t answer(const json::Object& body, unsigned status = 200) const {
        return answer_text(body.text(), status);
    }
    // `body`: the text of a JSON object.
    gantry_result_t answer_text(std::string_view body, unsigned status = 200) const noexcept {
        return host_->control()->answer(host_->raw(), raw_, status, bytes(body));
    }
    // `status` from 400 on; `error`: one sentence in lower case without a full stop; `remedy`: what to do about it.
    gantry_result_t refuse(unsigned status, std::string_view error, std::string_view remedy) const noexcept {
        return host_->control()->refuse(host_->raw(), raw_, status, bytes(error), bytes(remedy));
    }

private:
    gantry_reply_t raw_;
    const Host* host_;
};

// What a route was asked; valid until it returns. [main] [running]
class Call : public Reply {
public:
    Call(const gantry_call_t& raw, const Host& host) noexcept
        : Reply(raw.reply, host), raw_(&raw), host_(&host) {}

    std::string_view method() const noexcept { return view(raw_->method); }
    std::string_view path() const noexcept { return view(raw_->path); }
    std::string_view query() const noexcept { return view(raw_->query); }
    // All of them, as the text of a JSON object.
    std::string_view arguments() const noexcept { return view(raw_->arguments); }
    // Of a string its text, of anything else its JSON.
    std::optional<std::string_view> find(std::string_view name) const noexcept {
        gantry_bytes_t value{};
        if (!host_->control()->argument(raw_, bytes(name), &value)) return std::nullopt;
        return view(value);
    }
    // The same; "" where there is none.
    std::string_view text(std::string_view name) const noexcept { return find(name).value_or(""); }
    bool flag(std::string_view name) const noexcept { return text(name) == "true"; }

    int pid() const noexcept { return raw_->pid; }  // -1: not known
    int uid() const noexcept { return raw_->uid; }

    // To answer later.
    Reply reply() const noexcept { return *this; }
    const gantry_call_t* raw() const noexcept { return raw_; }

private:
    const gantry_call_t* raw_;
    const Host* host_;
};

namespace detail {

// A route and the object that it is of; lives as long as the instance.
template <class T>
struct Mounted {
    const Host* host;
    T* object;
    void (T::*function)(Call);

    static void run(void* self, const gantry_call_t* raw) noexcept {
        const auto& mounted = *static_cast<const Mounted*>(self);
        const Call call{*raw, *mounted.host};
        const bool went_well = guarded(*mounted.host, "a route of the control API", false, [&] {
            (mounted.object->*mounted.function)(call);
            return true;
        });
        if (!went_well) call.refuse(500, "the module failed", "the error log says more");
    }
};

}  // namespace detail

// What T::control() puts its routes into. [main] [loading]
template <class T>
class Routes {
public:
    using Function = void (T::*)(Call);
    using Mounts = std::deque<detail::Mounted<T>>;

    Routes(Scope& scope, T& object, Mounts& mounts) noexcept
        : scope_(scope), object_(object), mounts_(mounts) {}

    // `deadline` 0: 10 seconds.
    void get(const char* path, Function function, std::chrono::nanoseconds deadline = {}) {
        mount("GET", path, function, deadline);
    }
    void post(const char* path, Function function, std::chrono::nanoseconds deadline = {}) {
        mount("POST", path, function, deadline);
    }
    // One that is not as gantry/ext/control.h has it makes the load fail.
    void mount(const char* method, const char* path, Function function, std::chrono::nanoseconds deadline) {
        const Host& host = scope_.host();
        auto& mounted = mounts_.emplace_back(detail::Mounted<T>{&host, &object_, function});
        const auto nanoseconds = static_cast<std::uint64_t>(deadline.count() < 0 ? 0 : deadline.count());
        const gantry_route_t route{sizeof(gantry_route_t),   0,       method, path, nanoseconds,
                                   &detail::Mounted<T>::run, &mounted};
        if (host.control()->mount(scope_.raw(), &route) == GANTRY_OK) return;
        scope_.error(
            std::string("the route ") + method + " " + path + " of the control API cannot be mounted",
            "the log says why");
    }

private:
    Scope& scope_;
    T& object_;
    Mounts& mounts_;
};

// T is the State of the module.
template <class T>
struct Control {
    static_assert(
        requires(T& object, Routes<T>& routes) { object.control(routes); },
        "gantry::Control<T>: T needs `void control(gantry::Routes<T>&)`");
    using Object = T;
    static constexpr bool kIsState = true;  // no hook, and created by prepare()
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kHasRoutes = true;
};

}  // namespace gantry::inline sdk
