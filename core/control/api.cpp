#include "core/control/api.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <utility>

namespace gantry::control {
namespace {

namespace json = boost::json;

std::string known_paths(const std::vector<Route>& routes) {
    std::string out;
    for (const Route& route : routes) {
        out.append(out.empty() ? "" : ", ")
            .append(http::name_of(route.method))
            .append(" ")
            .append(route.path);
    }
    return out;
}

}  // namespace

Reply refusal(int status, std::string_view error, std::string_view remedy) {
    return {status, {{"error", error}, {"remedy", remedy}}};
}

std::optional<std::int64_t> number_of(const json::object& body, std::string_view key, std::int64_t standard) {
    const json::value* const given = body.if_contains(key);
    if (given == nullptr) return standard;
    json::error_code error;
    const auto value = given->to_number<std::int64_t>(error);
    if (error || value < 0) return std::nullopt;
    return value;
}

void Api::add(http::Method method, std::string_view path, std::function<void(const Request&, Answer)> run) {
    routes_.push_back({method, path, std::move(run)});
}

void Api::handle(http::Method method, std::string_view path, std::string_view body, Caller caller,
                 const Answer& answer) const {
    const Route* found = nullptr;
    bool is_path_known = false;
    for (const Route& route : routes_) {
        if (route.path != path) continue;
        is_path_known = true;
        if (route.method == method) found = &route;
    }
    if (found == nullptr) {
        answer(refusal(is_path_known ? 405 : 404,
                       is_path_known ? fmt::format("{} does not take this method", path)
                                     : fmt::format("there is no {}", path),
                       "these are known: " + known_paths(routes_)));
        return;
    }
    Request request{method, std::string(path), {}, caller};
    if (!body.empty()) {
        json::error_code error;
        json::value value = json::parse(body, error);
        if (error || !value.is_object()) {
            answer(refusal(400, "the body is not a JSON object", "send {\"name\": value, …}, or no body"));
            return;
        }
        request.body = std::move(value.as_object());
    }
    found->run(request, answer);
}

}  // namespace gantry::control
