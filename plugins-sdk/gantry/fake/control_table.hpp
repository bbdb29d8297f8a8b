// gantry.control/1 of a fake host: a test calls the routes of the module, and sees what they answer.
#pragma once

#include "gantry/fake/async_tables.hpp"
#include "gantry/fake/json_check.hpp"

#include <algorithm>

namespace gantry::fake {

// An argument of a call: a text, or its JSON where it is anything else.
struct Argument {
    Argument(std::string called, const char* given) : name(std::move(called)), text(given) {}
    Argument(std::string called, std::string given) : name(std::move(called)), text(std::move(given)) {}
    Argument(std::string called, bool given)
        : name(std::move(called)), text(given ? "true" : "false"), is_text(false) {}
    Argument(std::string called, int given)
        : name(std::move(called)), text(std::to_string(given)), is_text(false) {}

    std::string name;
    std::string text;
    bool is_text = true;
};

// A call of a route; valid as long as the Host.
class Call {
public:
    explicit Call(const detail::CallState& state) : state_(&state) {}
    bool is_answered() const { return state_->status != 0; }
    unsigned status() const { return state_->status; }        // 0: not yet
    const std::string& body() const { return state_->body; }  // JSON

private:
    const detail::CallState* state_;
};

namespace detail {

struct FakeCall : gantry_call_t {
    FakeCall() : gantry_call_t{} {}
    const std::vector<Argument>* values = nullptr;
};

struct ControlTable {
    static constexpr std::uint64_t kUsualDeadline = 10'000'000'000;
    static constexpr std::uint64_t kLongestDeadline = 300'000'000'000;

    static bool is_path(std::string_view path) {
        const auto is_allowed = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   std::string_view{"-._~/"}.find(c) != std::string_view::npos;
        };
        return !path.empty() && path.size() <= 200 && path.front() != '/' && path.back() != '/' &&
               std::all_of(path.begin(), path.end(), is_allowed);
    }

    static gantry_result_t mount(gantry_scope_t* raw, const gantry_route_t* route) noexcept {
        auto& scope = *reinterpret_cast<ScopeState*>(raw);
        State& state = *scope.host;
        if (!state.is_in_step(Step::Preparing, "mount", "prepare() and configure()"))
            return GANTRY_ERROR_STATE;
        Generation& generation = *state.generations.back();
        constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
        const bool is_sound =
            route != nullptr && route->size >= sizeof(gantry_route_t) && route->run != nullptr &&
            route->method != nullptr && route->path != nullptr &&
            std::find(std::begin(kMethods), std::end(kMethods), route->method) != std::end(kMethods) &&
            is_path(route->path) && route->deadline <= kLongestDeadline;
        if (!is_sound || find(generation, route->method, route->path) != nullptr)
            return GANTRY_ERROR_ARGUMENT;
        if (generation.routes.size() >= GANTRY_ROUTES_MAX) return GANTRY_ERROR_LIMIT;
        generation.routes.push_back({route->method, route->path,
                                     route->deadline == 0 ? kUsualDeadline : route->deadline, route->run,
                                     route->self});
        return GANTRY_OK;
    }

    static Route* find(Generation& generation, std::string_view method, std::string_view path) {
        for (Route& route : generation.routes) {
            if (route.method == method && route.path == path) return &route;
        }
        return nullptr;
    }

    static bool argument(const gantry_call_t* call, gantry_bytes_t name, gantry_bytes_t* value) noexcept {
        for (const Argument& each : *static_cast<const FakeCall*>(call)->values) {
            if (each.name != view(name)) continue;
            *value = bytes(each.text);
            return true;
        }
        return false;
    }

    // From any thread.
    static gantry_result_t answer(const gantry_host_t* host, gantry_reply_t reply, std::uint32_t status,
                                  gantry_bytes_t json) noexcept {
        State& state = State::of(host);
        const std::string body{json.size == 0 ? "{}" : view(json)};
        CallState* call = nullptr;
        {
            const std::lock_guard lock{state.mutex};
            if (reply.place != 1 || reply.serial == 0 || reply.serial > state.calls.size())
                return GANTRY_ERROR_STALE;
            call = &state.calls[reply.serial - 1];
            if (call->status != 0) return GANTRY_ERROR_STALE;
        }
        const bool is_success = status >= 200 && status <= 299;
        const bool is_sound =
            (is_success || (status >= 400 && status <= 599)) && JsonCheck{body}.is_object() &&
            (is_success || (JsonCheck::has_text(body, "error") && JsonCheck::has_text(body, "remedy")));
        end(state, *call, is_sound ? status : 500, is_sound ? body : R"({"error": "the module failed"})");
        if (is_sound) return GANTRY_OK;
        state.violation("the answer of a route is no status with a JSON object: " + body);
        return GANTRY_ERROR_ARGUMENT;
    }
    static gantry_result_t refuse(const gantry_host_t* host, gantry_reply_t reply, std::uint32_t status,
                                  gantry_bytes_t error, gantry_bytes_t remedy) noexcept {
        const std::string body = json::Object().add("error", view(error)).add("remedy", view(remedy)).text();
        return answer(host, reply, status < 400 ? 0 : status, bytes(body));
    }

    // The generation is let go of on the main thread, later.
    static void end(State& state, CallState& call, unsigned status, std::string body) {
        call.status = status;
        call.body = std::move(body);
        AsyncTable::later(state, [&state, generation = std::exchange(call.generation, nullptr)] {
            release(state, generation);
        });
    }
    static void release(State& state, Generation* generation) {
        if (--generation->exchanges > 0 || generation == state.serving) return;
        std::erase_if(state.generations, [&](const auto& one) { return one.get() == generation; });
    }

    static Call start(State& state, std::string_view method, std::string_view path,
                      const std::vector<Argument>& arguments) {
        CallState& call = state.calls.emplace_back();
        Route* route = state.serving == nullptr ? nullptr : find(*state.serving, method, path);
        if (route == nullptr) {
            call = {404, R"({"error": "there is no such route"})", nullptr, 0};
            return Call{call};
        }
        call.generation = state.serving;
        call.due = state.now + route->deadline;
        ++call.generation->exchanges;
        json::Object object;
        for (const Argument& each : arguments) {
            if (each.is_text) {
                object.add(each.name, each.text);
            } else if (each.text == "true" || each.text == "false") {
                object.add(each.name, each.text == "true");
            } else {
                object.add(each.name, std::stoi(each.text));
            }
        }
        const std::string text = object.text();
        FakeCall raw;
        raw.size = sizeof(gantry_call_t);
        raw.pid = 1;
        raw.uid = 0;
        raw.method = bytes(route->method);
        raw.path = bytes(route->path);
        raw.arguments = bytes(text);
        raw.reply = {1, state.calls.size()};
        raw.values = &arguments;
        route->run(route->self, &raw);
        return Call{call};
    }

    // What took too long.
    static void expire(State& state) {
        for (CallState& call : state.calls) {
            if (call.status == 0 && call.due <= state.now)
                end(state, call, 504, R"({"error": "the module did not answer"})");
        }
    }

    static constexpr gantry_control_1_t kTable{sizeof(gantry_control_1_t), &mount, &argument, &answer,
                                               &refuse};
};

}  // namespace detail
}  // namespace gantry::fake
