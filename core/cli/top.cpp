#include "core/cli/top.hpp"

#include "core/base/clock.hpp"
#include "core/cli/asking.hpp"
#include "core/cli/exit_code.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using control::Response;

constexpr std::size_t kLeaders = 5;

double rate(std::uint64_t before, std::uint64_t after, double seconds) {
    // A server process that was replaced counts from 0.
    const std::uint64_t more = after >= before ? after - before : after;
    return std::round(static_cast<double>(more) / seconds * 10) / 10;
}

double real(const json::object& from, std::string_view key) {
    const json::value* const found = from.if_contains(key);
    json::error_code error;
    const auto value = found != nullptr ? found->to_number<double>(error) : 0;
    return error ? 0 : value;
}

class Leaders {
public:
    void count(const std::string& name) { ++counts_[name]; }
    json::array best(std::string_view key) const {
        std::vector<std::pair<std::uint64_t, std::string_view>> order;
        for (const auto& [name, count] : counts_) order.emplace_back(count, name);
        std::stable_sort(order.begin(), order.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
        json::array out;
        for (std::size_t i = 0; i < std::min(order.size(), kLeaders); ++i)
            out.push_back({{key, order[i].second}, {"requests", order[i].first}});
        return out;
    }

private:
    std::map<std::string, std::uint64_t> counts_;
};

// Of sorted values; the smallest that `part` of them do not exceed.
double quantile(const std::vector<double>& sorted, double part) {
    if (sorted.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::string leaders_text(const json::object& top, std::string_view group, std::string_view key) {
    std::string out;
    for (const json::value& value : top.at(group).as_array()) {
        const std::string_view name = text(value.as_object(), key);
        out += fmt::format("  {:>7}  {}\n", number(value.as_object(), "requests"),
                           name.empty() ? "(none)" : name);
    }
    return out.empty() ? out : fmt::format("{}\n{}", group, out);
}

}  // namespace

json::object top_of(const json::object& before, const json::object& after, const json::object& recent,
                    double seconds) {
    json::object rates;
    const json::object& old_answers = before.at("answers").as_object();
    for (const auto& [name, value] : after.at("answers").as_object()) {
        rates[name] = rate(number(old_answers, name), number(after.at("answers").as_object(), name), seconds);
    }
    std::vector<double> durations;
    Leaders hosts;
    Leaders paths;
    Leaders clients;
    for (const json::value& value : recent.at("requests").as_array()) {
        const json::object& request = value.as_object();
        durations.push_back(real(request, "duration"));
        const std::string host(text(request, "host"));
        hosts.count(host);
        paths.count(host + std::string(text(request, "path")));
        clients.count(std::string(text(request, "client")));
    }
    std::sort(durations.begin(), durations.end());
    return {{"connections", number(after, "connections")},
            {"requests", number(after, "requests")},
            {"per_second", rate(number(before, "requests"), number(after, "requests"), seconds)},
            {"answers_per_second", std::move(rates)},
            {"bytes_sent_per_second",
             std::round(rate(number(before, "bytes_sent"), number(after, "bytes_sent"), seconds))},
            {"sampled", durations.size()},
            {"not_sampled", number(recent, "missed")},
            {"p50", quantile(durations, 0.5)},
            {"p99", quantile(durations, 0.99)},
            {"hosts", hosts.best("host")},
            {"paths", paths.best("path")},
            {"clients", clients.best("client")}};
}

std::string top_text(const json::object& top) {
    std::string out =
        fmt::format("{} connections, {} requests, {:.1f}/s, {:.0f} B/s sent\n", number(top, "connections"),
                    number(top, "requests"), real(top, "per_second"), real(top, "bytes_sent_per_second"));
    for (const auto& [name, value] : top.at("answers_per_second").as_object()) {
        out += fmt::format("{}{} {:.1f}/s", name == "1xx" ? "" : ", ", std::string_view(name),
                           real(top.at("answers_per_second").as_object(), name));
    }
    out +=
        fmt::format("\np50 {:.6f} s, p99 {:.6f} s, of {} requests{}\n", real(top, "p50"), real(top, "p99"),
                    number(top, "sampled"),
                    number(top, "not_sampled") > 0
                        ? fmt::format(" ({} more came too fast to be looked at)", number(top, "not_sampled"))
                        : "");
    return out + leaders_text(top, "hosts", "host") + leaders_text(top, "paths", "path") +
           leaders_text(top, "clients", "client");
}

int top_command(const TopOptions& options) {
    const auto sockets = sockets_for(options);
    const auto look = [&](http::Method method, std::string_view path, const json::object& body) {
        return control::ask(sockets, method, path, body, kLook);
    };
    // An answer is only printed where it is a refusal.
    const auto failed = [&](const Response& response) {
        return conclude(options, response).value_or(kFailure);
    };
    Response before = look(http::Method::Get, "/v1/status", {});
    if (before.status != 200) return failed(before);
    Response recent = look(http::Method::Post, "/v1/recent", {{"last", 0}});
    if (recent.status != 200) return failed(recent);
    std::int64_t then = monotonic_nanos();
    const bool is_screen = !options.json && !options.once && ::isatty(STDOUT_FILENO) == 1;
    do {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        recent = look(http::Method::Post, "/v1/recent", {{"cursor", text(recent.body, "cursor")}});
        if (recent.status != 200) return failed(recent);
        Response after = look(http::Method::Get, "/v1/status", {});
        if (after.status != 200) return failed(after);
        const std::int64_t now = monotonic_nanos();
        const json::object top =
            top_of(before.body, after.body, recent.body, static_cast<double>(now - then) / 1e9);
        print(stdout, is_screen ? "\033[H\033[2J" : "");
        print(stdout,
              options.json ? json::serialize(top) + "\n" : top_text(top) + (options.once ? "" : "\n"));
        if (std::fflush(stdout) != 0) return kOk;  // nobody reads any more
        before = std::move(after);
        then = now;
    } while (!options.once);
    return kOk;
}

}  // namespace gantry::cli
