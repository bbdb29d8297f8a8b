#include "core/cli/recent_json.hpp"

#include "core/cli/asking.hpp"

#include <ctime>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;

double seconds(std::int64_t nanos) {
    return static_cast<double>(nanos / 1000) / 1e6;
}

std::string iso_time(std::int64_t wall_nanos) {
    const auto whole = static_cast<std::time_t>(wall_nanos / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return fmt::format("{}.{:03}Z", text, wall_nanos / 1'000'000 % 1000);
}

double real(const json::object& from, std::string_view key) {
    const json::value* const found = from.if_contains(key);
    json::error_code error;
    const auto value = found != nullptr ? found->to_number<double>(error) : 0;
    return error ? 0 : value;
}

}  // namespace

json::object recent_json(const server::RecentRequest& request) {
    json::object out{{"time", iso_time(request.wall_nanos)},
                     {"client", request.client},
                     {"method", request.method},
                     {"scheme", request.is_tls ? "https" : "http"},
                     {"host", request.host},
                     {"path", request.path},
                     {"protocol", request.protocol},
                     {"status", request.status},
                     {"duration", seconds(request.duration_nanos)},
                     {"bytes_sent", request.bytes_sent},
                     {"bytes_received", request.body_received}};
    if (request.handler_nanos >= 0) out["handler_time"] = seconds(request.handler_nanos);
    if (!request.peer.empty()) out["upstream"] = request.peer;
    if (request.upstream_status > 0) out["upstream_status"] = request.upstream_status;
    if (request.connect_nanos >= 0) out["upstream_connect_time"] = seconds(request.connect_nanos);
    if (request.first_byte_nanos >= 0) out["upstream_first_byte_time"] = seconds(request.first_byte_nanos);
    if (!request.error.empty()) out["error"] = request.error;
    return out;
}

std::string recent_line(const json::object& request) {
    std::string out =
        fmt::format("{} {} {} {} {} {} {:.3f}s {}B", text(request, "time"), text(request, "client"),
                    number(request, "status"),
                    text(request, "host").empty() ? std::string_view("-") : text(request, "host"),
                    text(request, "method"), text(request, "path"), real(request, "duration"),
                    number(request, "bytes_sent"));
    if (!text(request, "upstream").empty()) {
        out += fmt::format(" upstream={}", text(request, "upstream"));
        if (number(request, "upstream_status") > 0)
            out += fmt::format(" {}", number(request, "upstream_status"));
        if (request.contains("upstream_first_byte_time"))
            out += fmt::format(" {:.3f}s", real(request, "upstream_first_byte_time"));
    }
    if (!text(request, "error").empty()) out += fmt::format(" error=\"{}\"", text(request, "error"));
    return out;
}

}  // namespace gantry::cli
