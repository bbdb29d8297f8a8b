#include "core/cli/module_operations.hpp"

#include "core/http/uri.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using control::Answer;
using control::Request;
using module::BoundRoute;

constexpr std::string_view kPrefix = "/v1/modules/";

// ---- what there is

json::array modules_json(const module::Modules& modules, const module::Instances* serving) {
    json::array out;
    for (const auto& module : modules.all()) {
        json::array keys;
        for (const conf::ModuleKey& key : module->doc.keys) keys.emplace_back(key.doc.name);
        json::array routes;
        if (serving != nullptr) {
            for (const BoundRoute& route : serving->routes()) {
                if (route.module == module.get()) routes.emplace_back(route.title());
            }
        }
        json::array commands;
        for (const module::Command& command : module->library.commands)
            commands.push_back({{"name", command.name},
                                {"help", command.help},
                                {"route", fmt::format("{} {}", command.method, command.path)}});
        const module::Cost cost = module->costs.sum();
        const gantry_module_entry_t& entry = *module->library.entry;
        out.push_back({{"name", module->name},
                       {"version", entry.version},
                       {"abi", fmt::format("{}.{}", entry.abi_major, entry.abi_minor)},
                       {"path", module->library.path},
                       {"keys", std::move(keys)},
                       {"routes", std::move(routes)},
                       {"commands", std::move(commands)},
                       {"calls", cost.calls},
                       {"seconds", static_cast<double>(cost.nanos) / 1e9},
                       {"slow_calls", cost.slow},
                       {"failures", cost.failures}});
    }
    return out;
}

// ---- a call of a route

// The members of the body, and the parameters of the query as strings. A sentence where they do not go
// together.
std::string add_query(std::string_view query, json::object& arguments) {
    Arena arena;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        const std::string_view name = http::percent_decode(pair.substr(0, equals), true, arena);
        const std::string_view value =
            http::percent_decode(pair.substr(std::min(equals + 1, pair.size())), true, arena);
        if (!arguments.emplace(name, value).second) return fmt::format("{} is given twice", name);
    }
    return {};
}

module::ControlRequest request_of(const Request& request, const json::object& arguments) {
    module::ControlRequest out;
    out.query = request.query;
    out.arguments = json::serialize(arguments);
    for (const auto& [name, value] : arguments) {
        if (value.is_null()) continue;
        out.values.emplace_back(name,
                                value.is_string() ? std::string(value.get_string()) : json::serialize(value));
    }
    out.pid = request.caller.pid;
    out.uid = request.caller.uid;
    return out;
}

bool has_text(const json::object& body, std::string_view name) {
    const json::value* const found = body.if_contains(name);
    return found != nullptr && found->is_string() && !found->get_string().empty();
}

// Why it is no answer of the control API; empty: `body` is what the text says.
std::string read_answer(unsigned status, std::string_view text, json::object& body) {
    const bool is_success = status >= 200 && status <= 299;
    if (!is_success && (status < 400 || status > 599)) return fmt::format("its status is {}", status);
    json::error_code error;
    json::value value = json::parse(text, error);
    if (error) return fmt::format("its answer is not JSON: {}", error.message());
    if (!value.is_object()) return "its answer is not a JSON object";
    body = std::move(value.as_object());
    if (!is_success && (!has_text(body, "error") || !has_text(body, "remedy")))
        return "its refusal has no error and remedy";
    return {};
}

// [any]
std::string pass_on(const std::string& module, unsigned status, std::string_view text, const Answer& answer) {
    json::object body;
    std::string why = read_answer(status, text, body);
    if (why.empty()) {
        answer({static_cast<int>(status), std::move(body)});
    } else {
        answer(control::refusal(500, fmt::format("the module {} failed: {}", module, why),
                                "its author has to mend it; the error log has this as well"));
    }
    return why;
}

// What cannot be called.
control::Reply no_route(const module::Instances& serving, const std::string& name, const Request& request,
                        std::string_view path) {
    std::vector<std::string> known;
    bool is_path_known = false;
    for (const BoundRoute& route : serving.routes()) {
        if (route.module->name != name) continue;
        known.push_back(route.title());
        is_path_known = is_path_known || route.path == path;
    }
    const std::string remedy = known.empty()
                                   ? "with this configuration it has none"
                                   : fmt::format(
                                         "it has {}; the code of a module that was replaced is used after "
                                         "\"gantry upgrade\"",
                                         fmt::join(known, ", "));
    return control::refusal(
        is_path_known ? 405 : 404,
        is_path_known
            ? fmt::format("{} of the module {} does not take this method", path, name)
            : fmt::format("the module {} has no route {} {}", name, http::name_of(request.method), path),
        remedy);
}

void call(const std::shared_ptr<const server::Generation>& generation, const Request& request,
          const Answer& answer) {
    std::string_view path = std::string_view(request.path).substr(kPrefix.size());
    const std::string name(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    const auto* const serving = module::instances_of(generation->kept());
    if (serving == nullptr || !serving->has(name)) {
        answer(control::refusal(
            404, fmt::format("the module {} is not loaded", name),
            fmt::format("write modules = [\"{}\"] into the configuration, and: gantry reload", name)));
        return;
    }
    const auto& routes = serving->routes();
    const auto route = std::find_if(routes.begin(), routes.end(), [&](const BoundRoute& each) {
        return each.module->name == name && each.path == path && each.method == http::name_of(request.method);
    });
    if (route == routes.end()) {
        answer(no_route(*serving, name, request, path));
        return;
    }
    json::object arguments = request.body;
    if (const std::string why = add_query(request.query, arguments); !why.empty()) {
        answer(control::refusal(400, why, "send each argument once, in the query or in the body"));
        return;
    }
    route->module->services->calls.start(*route, request_of(request, arguments), generation,
                                         [name, answer](unsigned status, std::string_view text) {
                                             return pass_on(name, status, text, answer);
                                         });
}

}  // namespace

void add_module_operations(control::Api& api, const module::Modules& modules,
                           std::function<std::shared_ptr<const server::Generation>()> serving) {
    api.add(http::Method::Get, "/v1/modules", [&modules, serving](const Request&, const Answer& answer) {
        const auto generation = serving();
        answer({200, {{"modules", modules_json(modules, module::instances_of(generation->kept()))}}});
    });
    api.add_below(kPrefix, [serving](const Request& request, const Answer& answer) {
        call(serving(), request, answer);
    });
}

}  // namespace gantry::cli
