#include "core/cli/remote.hpp"

#include "core/base/unique_fd.hpp"
#include "core/cli/asking.hpp"
#include "core/cli/exit_code.hpp"
#include "core/conf/units.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using control::Response;
using std::chrono::milliseconds;

std::string uptime(std::uint64_t seconds) {
    const std::uint64_t days = seconds / 86400;
    std::string out = days == 0 ? "" : fmt::format("{} d ", days);
    if (seconds >= 3600) out += fmt::format("{} h ", seconds / 3600 % 24);
    if (seconds >= 60) out += fmt::format("{} min ", seconds / 60 % 60);
    return out + fmt::format("{} s", seconds % 60);
}

// "200 2xx, 3 5xx": those there are.
std::string describe_answers(const json::object& answers) {
    std::string out;
    for (const auto& [name, value] : answers) {
        const std::uint64_t count = number(answers, name);
        if (count == 0) continue;
        out += fmt::format(
            "{}{} {}", out.empty() ? "" : ", ", count,
            name == "none" ? std::string_view("closed without an answer") : std::string_view(name));
    }
    return out;
}

constexpr std::size_t kHostsShown = 20;

// The busiest ones.
std::string describe_hosts(const json::array& hosts) {
    std::vector<const json::object*> order;
    for (const json::value& host : hosts) order.push_back(&host.as_object());
    std::stable_sort(order.begin(), order.end(), [](const json::object* a, const json::object* b) {
        return number(*a, "requests") > number(*b, "requests");
    });
    std::string out;
    for (std::size_t i = 0; i < order.size() && i < kHostsShown; ++i) {
        const std::string_view name = text(*order[i], "host");
        out +=
            fmt::format("  host {}: {} requests ({})\n", name.empty() ? "(none)" : name,
                        number(*order[i], "requests"), describe_answers(order[i]->at("answers").as_object()));
    }
    if (order.size() > kHostsShown) out += fmt::format("  and {} more hosts\n", order.size() - kHostsShown);
    return out;
}

// Hosts that are not served, at most a screen of them.
std::string describe_disabled(const json::object& from) {
    constexpr std::size_t kShown = 20;
    const json::value* const disabled = from.if_contains("disabled");
    if (disabled == nullptr || !disabled->is_array() || disabled->get_array().empty()) return {};
    const json::array& list = disabled->get_array();
    std::string out;
    for (std::size_t i = 0; i < std::min(list.size(), kShown); ++i) {
        const json::object& one = list[i].as_object();
        const std::string_view host = text(one, "host");
        out += fmt::format("  disabled {}: {} ({})\n", host.empty() ? "hosts of a file" : host,
                           text(one, "reason"), text(one, "place"));
    }
    if (list.size() > kShown) out += fmt::format("  and {} more\n", list.size() - kShown);
    return out;
}

// Names without a certificate of their own, at most a screen of them.
std::string describe_placeholders(const json::object& from) {
    constexpr std::size_t kShown = 20;
    const json::value* const placeholders = from.if_contains("placeholders");
    if (placeholders == nullptr || !placeholders->is_array()) return {};
    const json::array& list = placeholders->get_array();
    std::string out;
    for (std::size_t i = 0; i < std::min(list.size(), kShown); ++i) {
        const json::object& one = list[i].as_object();
        out += fmt::format("  placeholder {}: the module {} has offered no certificate for it\n",
                           text(one, "name"), text(one, "module"));
    }
    if (list.size() > kShown) out += fmt::format("  and {} more\n", list.size() - kShown);
    return out;
}

std::string describe_status(const json::object& s) {
    std::string out = fmt::format("gantry {} {} {}, up {}, pid {} (supervisor {})\n", text(s, "version"),
                                  text(s, "state"), text(s, "config"), uptime(number(s, "uptime_seconds")),
                                  number(s, "pid"), number(s, "supervisor_pid"));
    out += fmt::format("generation {}: {} hosts; {} reloads, {} refused\n", number(s, "generation"),
                       number(s, "hosts"), number(s, "reloads"), number(s, "failed_reloads"));
    if (!text(s, "last_reload_error").empty()) {
        out += fmt::format("the last reload was refused: {}\n", text(s, "last_reload_error"));
    }
    out += describe_disabled(s);
    out += describe_placeholders(s);
    const std::string answers = describe_answers(s.at("answers").as_object());
    out += fmt::format("{} connections, {} requests{}\n", number(s, "connections"), number(s, "requests"),
                       answers.empty() ? "" : ": " + answers);
    std::size_t index = 0;
    for (const json::value& worker : s.at("workers").as_array()) {
        out += fmt::format("  worker {}: {} connections, {} requests\n", index++,
                           number(worker.as_object(), "connections"), number(worker.as_object(), "requests"));
    }
    for (const json::value& value : s.at("listeners").as_array()) {
        const json::object& listener = value.as_object();
        out += fmt::format("  listener {}:", text(listener, "name"));
        for (const json::value& address : listener.at("addresses").as_array()) {
            out += fmt::format(" {}", std::string_view(address.as_string()));
        }
        out += fmt::format(" {} connections", number(listener, "connections"));
        if (number(listener, "paused") > 0)
            out += fmt::format(", paused {} times", number(listener, "paused"));
        if (listener.at("removed").as_bool()) out += ", removed from the configuration";
        out += "\n";
    }
    for (const json::value& value : s.at("logs").as_array()) {
        const json::object& log = value.as_object();
        if (number(log, "lost") == 0) continue;
        out += fmt::format("  log {}: {} lines written, {} LOST\n", text(log, "target"),
                           number(log, "written"), number(log, "lost"));
    }
    if (const std::uint64_t lost = number(s.at("error_log").as_object(), "lost"); lost > 0)
        out += fmt::format("  error log: {} lines LOST\n", lost);
    return out + describe_hosts(s.at("by_host").as_array());
}

// Nothing after the mistake was told.
std::optional<milliseconds> duration_of(std::string_view option, const std::string& given) {
    const auto parsed = conf::parse_duration(given);
    if (parsed) return *parsed;
    print(stderr,
          fmt::format("gantry: {}: {}\n      = {}\n", option, parsed.error().message, parsed.error().hint));
    return std::nullopt;
}

// Of a reload and a rollback: warnings, what is different, which generation serves.
int conclude_change(const RemoteOptions& options, const Response& response, std::string_view done) {
    if (const auto code = conclude(options, response)) return *code;
    print(stderr, text(response.body, "report"));
    if (!options.quiet) {
        const std::string_view changes = text(response.body, "changes_text");
        print(stdout, changes.empty() ? "nothing changed\n" : changes);
        const json::value* const disabled = response.body.if_contains("disabled");
        const bool is_whole = disabled == nullptr || disabled->as_array().empty();
        print(stdout, fmt::format("{}: generation {} serves{}\n", done, number(response.body, "generation"),
                                  is_whole ? "" : ", but not all of its hosts"));
        print(stdout, describe_disabled(response.body));
    }
    return kOk;
}

std::string local_time(std::uint64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm fields{};
    char out[32] = "";
    if (::localtime_r(&time, &fields) != nullptr)
        std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &fields);
    return out;
}

int files_command(const RemoteOptions& options, std::uint64_t generation) {
    const Response response =
        ask(options, http::Method::Post, "/v1/history/files", kLook, {{"generation", generation}});
    if (const auto code = conclude(options, response)) return *code;
    if (options.quiet) return kOk;
    for (const json::value& value : response.body.at("files").as_array()) {
        print(stdout,
              fmt::format("# ---- {}\n{}", text(value.as_object(), "name"), text(value.as_object(), "text")));
    }
    return kOk;
}

// The process has answered; it is gone when its supervisor is.
void wait_for_end(std::uint64_t pid) {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
    if (!process) return;  // gone already
    pollfd waits{process.get(), POLLIN, 0};
    ::poll(&waits, 1, static_cast<int>(kLook.count()));
}

}  // namespace

int reload_command(const RemoteOptions& options, const std::string& trial, bool is_strict) {
    json::object body;
    if (is_strict) body["strict"] = true;
    if (!trial.empty()) {
        const auto time = duration_of("--confirm", trial);
        if (!time) return kUsage;
        body["confirm_ms"] = time->count();
    }
    const Response response = ask(options, http::Method::Post, "/v1/reload", kPatience, body);
    const int code = conclude_change(options, response, "reloaded");
    if (code == kOk && !trial.empty() && !options.quiet && !options.json) {
        print(stdout,
              fmt::format("it is on trial for {}: \"gantry confirm\" keeps it, else what served before "
                          "serves again\n",
                          trial));
    }
    return code;
}

int rollback_command(const RemoteOptions& options, std::optional<std::uint64_t> generation) {
    json::object body;
    if (generation) body["generation"] = *generation;
    const int code = conclude_change(
        options, ask(options, http::Method::Post, "/v1/rollback", kPatience, body), "rolled back");
    if (code == kOk && !options.quiet && !options.json) {
        print(stdout, "the files are as they were: the next reload loads them\n");
    }
    return code;
}

int confirm_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Post, "/v1/confirm", kLook);
    if (const auto code = conclude(options, response)) return *code;
    if (!options.quiet) {
        print(stdout, fmt::format("confirmed: generation {} stays\n", number(response.body, "generation")));
    }
    return kOk;
}

int history_command(const RemoteOptions& options, std::optional<std::uint64_t> generation) {
    if (generation) return files_command(options, *generation);
    const Response response = ask(options, http::Method::Get, "/v1/history", kLook);
    if (const auto code = conclude(options, response)) return *code;
    if (options.quiet) return kOk;
    for (const json::value& value : response.body.at("generations").as_array()) {
        const json::object& served = value.as_object();
        const char* const state = served.at("serves").as_bool()       ? "  serves"
                                  : !served.at("confirmed").as_bool() ? "  was not confirmed"
                                                                      : "";
        print(stdout, fmt::format("{:>5}  {}  {}{}\n", number(served, "generation"),
                                  local_time(number(served, "loaded")), text(served, "cause"), state));
    }
    return kOk;
}

namespace {

std::string names_of(const json::object& from, std::string_view key) {
    const json::value* const found = from.if_contains(key);  // an older server has none
    std::string out;
    if (found == nullptr || !found->is_array()) return out;
    for (const json::value& each : found->get_array())
        out.append(out.empty() ? "" : ", ").append(text(each.as_object(), "name"));
    return out;
}

}  // namespace

int modules_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Get, "/v1/modules", kLook);
    if (const auto code = conclude(options, response)) return *code;
    if (options.quiet) return kOk;
    for (const json::value& value : response.body.at("modules").as_array()) {
        const json::object& module = value.as_object();
        const std::uint64_t calls = number(module, "calls");
        const double seconds = module.at("seconds").to_number<double>();
        print(stdout, fmt::format("{} {}  abi {}  {}\n", text(module, "name"), text(module, "version"),
                                  text(module, "abi"), text(module, "path")));
        print(stdout,
              fmt::format(
                  "  {} calls, {:.2f} \u00b5s each, {:.3f} s together; {} held their worker up, {} failed\n",
                  calls, calls == 0 ? 0.0 : seconds * 1e6 / static_cast<double>(calls), seconds,
                  number(module, "slow_calls"), number(module, "failures")));
        if (const std::string commands = names_of(module, "commands"); !commands.empty())
            print(stdout, fmt::format("  commands: {}\n", commands));
    }
    return kOk;
}

int running_plan_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Post, "/v1/plan", kPatience);
    if (const auto code = conclude(options, response)) return *code;
    print(stderr, text(response.body, "report"));  // warnings
    const std::string_view changes = text(response.body, "changes_text");
    if (!options.quiet) print(stdout, changes.empty() ? "nothing changes\n" : changes);
    return kOk;
}

int status_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Get, "/v1/status", kLook);
    if (const auto code = conclude(options, response)) return *code;
    if (!options.quiet) print(stdout, describe_status(response.body));
    return kOk;
}

int reopen_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Post, "/v1/reopen", kLook);
    if (const auto code = conclude(options, response)) return *code;
    if (!options.quiet) print(stdout, "logs reopened\n");
    return kOk;
}

int log_level_command(const RemoteOptions& options, const std::string& level, const std::string& duration) {
    json::object body;
    if (!duration.empty()) {
        const auto time = duration_of("--for", duration);
        if (!time) return kUsage;
        if (level.empty()) {
            print(stderr,
                  "gantry: --for goes with a level\n      = for example: gantry log-level debug --for 10m\n");
            return kUsage;
        }
        body["for_ms"] = time->count();
    }
    if (!level.empty()) body["level"] = level;
    const Response response =
        ask(options, level.empty() ? http::Method::Get : http::Method::Post, "/v1/log-level", kLook, body);
    if (const auto code = conclude(options, response)) return *code;
    if (options.quiet && !level.empty()) return kOk;
    const std::string_view now = text(response.body, "level");
    const std::string_view configured = text(response.body, "configured");
    std::string line(now);
    if (response.body.contains("left_ms")) {
        line += fmt::format(" for {}, then {}", uptime((number(response.body, "left_ms") + 999) / 1000),
                            configured);
    } else if (now != configured) {
        line += fmt::format(" until the next reload; the configuration says {}", configured);
    }
    print(stdout, line + "\n");
    return kOk;
}

int upgrade_command(const RemoteOptions& options) {
    const Response response = ask(options, http::Method::Post, "/v1/upgrade", kPatience);
    if (const auto code = conclude(options, response)) return *code;
    if (!options.quiet) {
        print(stdout, fmt::format("upgraded from {} to {}: pid {} serves\n", text(response.body, "from"),
                                  text(response.body, "version"), number(response.body, "pid")));
    }
    return kOk;
}

int stop_command(const RemoteOptions& options, const std::string& timeout) {
    milliseconds limit = std::chrono::hours(24);
    json::object body;
    if (!timeout.empty()) {
        const auto time = duration_of("--timeout", timeout);
        if (!time) return kUsage;
        limit = *time;
        body["timeout_ms"] = limit.count();
    }
    const Response before = ask(options, http::Method::Get, "/v1/status", kLook);
    if (before.status != 200) return conclude(options, before).value_or(kFailure);
    const Response response = ask(options, http::Method::Post, "/v1/stop", limit + kLook, body);
    wait_for_end(number(before.body, "supervisor_pid"));
    if (const auto code = conclude(options, response)) return *code;
    const std::uint64_t cut = number(response.body, "cut_connections");
    if (cut > 0) print(stderr, fmt::format("gantry: {} connections were cut at the deadline\n", cut));
    if (!options.quiet) print(stdout, "stopped\n");
    return kOk;
}

}  // namespace gantry::cli
