#include "core/cli/log_operations.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/cli/process.hpp"
#include "core/cli/recent_json.hpp"
#include "core/server/where.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <fmt/format.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using control::Reply;
using control::Request;

constexpr std::size_t kMostAtOnce = 20'000;
constexpr std::int64_t kLongest = std::int64_t{7} * 24 * 3600 * 1000;

std::string_view text_of(const json::object& body, std::string_view key) {
    const json::value* const given = body.if_contains(key);
    return given != nullptr && given->is_string() ? std::string_view(given->get_string())
                                                  : std::string_view();
}

// "4711:12,0,7": positions by worker, of the process with that id. Of another process: as from the begin.
server::RecentRings::Cursor cursor_of(std::string_view text) {
    server::RecentRings::Cursor cursor;
    const auto colon = text.find(':');
    const auto pid = parse_decimal(text.substr(0, colon));
    if (colon == text.npos || !pid || *pid != static_cast<std::uint64_t>(::getpid())) return cursor;
    text.remove_prefix(colon + 1);
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const auto position = parse_decimal(text.substr(0, comma));
        if (!position) return {};
        cursor.push_back(*position);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return cursor;
}

std::string text_of(const server::RecentRings::Cursor& cursor) {
    return fmt::format("{}:{}", ::getpid(), fmt::join(cursor, ","));
}

Reply recent(const Process& process, const Request& request) {
    const server::RecentRings* const rings = process.server().recent();
    if (rings == nullptr) {
        return control::refusal(409, "no requests are remembered",
                                "set [server] recent_requests to 1024, and restart");
    }
    const auto last = control::number_of(request.body, "last", kMostAtOnce);
    if (!last) return control::refusal(400, "last is not a number", "send how many requests at most");
    const auto where = server::Where::compile(text_of(request.body, "where"));
    if (!where) {
        Reply reply = control::refusal(400, where.error().message, where.error().hint);
        reply.body["offset"] = where.error().offset;
        return reply;
    }
    const server::RecentRings::Batch batch = rings->read(cursor_of(text_of(request.body, "cursor")));
    std::vector<const server::RecentRequest*> fitting;
    for (const server::RecentRequest& each : batch.requests) {
        if (where->fits(each)) fitting.push_back(&each);
    }
    const std::size_t most = std::min(static_cast<std::size_t>(*last), kMostAtOnce);
    const std::size_t skipped = fitting.size() - std::min(fitting.size(), most);
    json::array requests;
    for (std::size_t i = skipped; i < fitting.size(); ++i) requests.push_back(recent_json(*fitting[i]));
    return {200,
            {{"requests", std::move(requests)}, {"cursor", text_of(batch.cursor)}, {"missed", batch.missed}}};
}

json::object level_body(const LogLevel& levels) {
    json::object out{{"level", log::name_of(log::level())},
                     {"configured", log::name_of(levels.configured())}};
    if (const auto left = levels.left()) out["left_ms"] = *left;
    return out;
}

Reply set_level(Process& process, const Request& request) {
    const auto level = log::level_of(text_of(request.body, "level"));
    if (!level) {
        return control::refusal(400, fmt::format("\"{}\" is not a level", text_of(request.body, "level")),
                                "levels are trace, debug, info, warn, error, critical and off");
    }
    std::optional<Millis> duration = control::number_of(request.body, "for_ms", 0);
    if (!duration || *duration > kLongest) {
        return control::refusal(400, "for_ms is not a number of milliseconds up to 7 days",
                                "send how long the level is to stay, or leave it out");
    }
    const log::Level before = log::level();
    // At the more talkative of the two levels, so that the log says what happened to it.
    log::set_level(std::min({before, *level, log::Level::Info}));
    log::info("log level {} -> {}{} asked for by pid={} uid={}", log::name_of(before), log::name_of(*level),
              *duration > 0 ? fmt::format(" for {} s", (*duration + 999) / 1000) : "", request.caller.pid,
              request.caller.uid);
    if (*duration == 0) duration.reset();  // for good
    process.log_level().set(*level, duration);
    return {200, level_body(process.log_level())};
}

}  // namespace

void add_log_operations(control::Api& api, Process& process) {
    using http::Method;
    api.add(Method::Post, "/v1/recent",
            [&](const Request& request, const control::Answer& answer) { answer(recent(process, request)); });
    api.add(Method::Get, "/v1/log-level", [&](const Request&, const control::Answer& answer) {
        answer({200, level_body(process.log_level())});
    });
    api.add(Method::Post, "/v1/log-level", [&](const Request& request, const control::Answer& answer) {
        answer(set_level(process, request));
    });
}

}  // namespace gantry::cli
