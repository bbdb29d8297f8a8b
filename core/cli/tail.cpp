#include "core/cli/tail.hpp"

#include "core/cli/asking.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/recent_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <thread>

namespace gantry::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kEvery(250);

// False: nobody reads any more.
bool show(const TailOptions& options, const json::object& answer) {
    for (const json::value& value : answer.at("requests").as_array()) {
        const json::object& request = value.as_object();
        print(stdout, (options.json ? json::serialize(request) : recent_line(request)) + "\n");
    }
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace

int tail_command(const TailOptions& options) {
    const auto sockets = sockets_for(options);
    json::object question{{"where", options.where}, {"last", options.last}};
    bool is_first = true;
    for (;;) {
        const control::Response response =
            control::ask(sockets, http::Method::Post, "/v1/recent", question, kLook);
        if (response.status != 200) {
            if (const auto code = conclude(options, response)) return *code;
            return kFailure;
        }
        // What was overwritten before the first look is no loss.
        if (const std::uint64_t missed = number(response.body, "missed"); missed > 0 && !is_first) {
            print(stderr, fmt::format("gantry: {} requests came too fast to be shown\n", missed));
        }
        if (!show(options, response.body)) return kOk;
        if (options.once) return kOk;
        question = {{"where", options.where}, {"cursor", text(response.body, "cursor")}};
        is_first = false;
        std::this_thread::sleep_for(kEvery);
    }
}

}  // namespace gantry::cli
