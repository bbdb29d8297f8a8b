#include "core/control/api.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <utility>

namespace gantry::control {
namespace {

namespace json = boost::json;

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

void Api::add_below(std::string_view prefix, std::function<void(const Request&, Answer)> run) {
    below_.push_back({prefix, std::move(run)});
}

std::string Api::known_paths() const {
    std::string out;
    const auto add = [&out](std::string_view text) { out.append(out.empty() ? "" : ", ").append(text); };
    for (const Route& route : routes_) add(fmt::format("{} {}", http::name_of(route.method), route.path));
    for (const Below& below : below_) add(fmt::format("{}...", below.prefix));
    return out;
}

// Null: there is none.
const std::function<void(const Request&, Answer)>* Api::find(const Request& request,
                                                             bool& is_path_known) const {
    for (const Route& route : routes_) {
        if (route.path != request.path) continue;
        is_path_known = true;
        if (route.method == request.method) return &route.run;
    }
    if (is_path_known) return nullptr;
    for (const Below& below : below_) {
        if (request.path.starts_with(below.prefix)) return &below.run;
    }
    return nullptr;
}

void Api::handle(Request request, std::string_view body, const Answer& answer) const {
    if (is_closed_) return;
    bool is_path_known = false;
    const auto* const found = find(request, is_path_known);
    if (found == nullptr) {
        answer(refusal(is_path_known ? 405 : 404,
                       is_path_known ? fmt::format("{} does not take this method", request.path)
                                     : fmt::format("there is no {}", request.path),
                       "these are known: " + known_paths()));
        return;
    }
    if (!body.empty()) {
        json::error_code error;
        json::value value = json::parse(body, error);
        if (error || !value.is_object()) {
            answer(refusal(400, "the body is not a JSON object", "send {\"name\": value, …}, or no body"));
            return;
        }
        request.body = std::move(value.as_object());
    }
    (*found)(request, answer);
}

}  // namespace gantry::control
