// gantry.control/1
#include "core/base/log.hpp"
#include "core/conf/json_text.hpp"
#include "core/module/commands.hpp"
#include "core/module/control_call.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

#include <fmt/format.h>

namespace gantry::module {
namespace {

constexpr Millis kUsualDeadline = 10'000;
constexpr Millis kLongestDeadline = 5 * 60 * 1000;

gantry_result_t mount(gantry_scope_t* scope, const gantry_route_t* given) noexcept {
    const auto route = whole(given);
    if (scope == nullptr || scope->kept == nullptr || !route || route->run == nullptr ||
        route->method == nullptr || route->path == nullptr)
        return GANTRY_ERROR_ARGUMENT;
    BoundRoute bound{
        scope->module,
        route->method,
        route->path,
        route->deadline == 0 ? kUsualDeadline : static_cast<Millis>(route->deadline / kNanosPerMilli),
        route->run,
        route->self};
    std::string wrong = why_no_route(bound.method, bound.path);
    if (bound.deadline < 1 || bound.deadline > kLongestDeadline)
        wrong = "its deadline is not from 1 ms to 5 minutes";
    std::size_t count = 0;
    for (const BoundRoute& other : scope->kept->routes) {
        if (other.module != scope->module) continue;
        ++count;
        if (other.method == bound.method && other.path == bound.path) wrong = "it is there already";
    }
    if (wrong.empty() && count >= GANTRY_ROUTES_MAX) wrong = "there are too many";
    if (!wrong.empty()) {
        log::error("route of the control API refused module={} route=\"{} {}\": {}", scope->module->name,
                   bound.method, bound.path, wrong);
        return count >= GANTRY_ROUTES_MAX ? GANTRY_ERROR_LIMIT : GANTRY_ERROR_ARGUMENT;
    }
    scope->kept->routes.push_back(std::move(bound));
    return GANTRY_OK;
}

bool argument(const gantry_call_t* call, gantry_bytes_t name, gantry_bytes_t* value) noexcept {
    if (call == nullptr || value == nullptr) return false;
    for (const auto& [key, text] : *static_cast<const ControlCall*>(call)->values) {
        if (key != view_of(name)) continue;
        *value = bytes_of(text);
        return true;
    }
    return false;
}

gantry_result_t answer(const gantry_host_t* host, gantry_reply_t reply, std::uint32_t status,
                       gantry_bytes_t json) noexcept {
    const Module& module = module_of(host);
    return module.services->calls.answer(module, reply, status, view_of(json));
}

gantry_result_t refuse(const gantry_host_t* host, gantry_reply_t reply, std::uint32_t status,
                       gantry_bytes_t error, gantry_bytes_t remedy) noexcept {
    const Module& module = module_of(host);
    // A refusal is no success, whatever its number.
    const std::uint32_t told = status < 400 ? 0 : status;
    return module.services->calls.answer(module, reply, told, refusal_json(view_of(error), view_of(remedy)));
}

}  // namespace

std::string refusal_json(std::string_view error, std::string_view remedy) {
    return fmt::format(R"({{"error": {}, "remedy": {}}})", conf::json_string(error),
                       conf::json_string(remedy));
}

const gantry_control_1_t kControl = {
    sizeof(gantry_control_1_t), &mount, &argument, &answer, &refuse,
};

}  // namespace gantry::module
