#include "core/cli/operations.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/log_operations.hpp"
#include "core/cli/plan.hpp"
#include "core/cli/process.hpp"
#include "core/server/traffic.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <unistd.h>
#include <utility>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using control::Answer;
using control::Reply;
using control::Request;

void log_call(std::string_view what, const control::Caller& caller) {
    log::info("{} asked for by pid={} uid={}", what, caller.pid, caller.uid);
}

json::array listeners_of(const server::Server& server) {
    json::array out;
    for (const auto& listener : server.listener_status()) {
        json::array addresses;
        for (const std::string& address : listener.addresses) addresses.emplace_back(address);
        out.push_back({{"name", listener.name},
                       {"addresses", std::move(addresses)},
                       {"connections", listener.connections},
                       {"paused", listener.refused},
                       {"removed", listener.is_removed}});
    }
    return out;
}

json::object answers_of(const server::Traffic& traffic) {
    constexpr std::string_view kNames[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    json::object out;
    for (std::size_t i = 1; i < traffic.answers.size(); ++i) out[kNames[i]] = traffic.answers[i];
    out[kNames[0]] = traffic.answers[0];
    return out;
}

json::array hosts_of(const std::vector<server::HostTraffic>& hosts) {
    json::array out;
    for (const auto& [host, traffic] : hosts) {
        out.push_back({{"host", host},
                       {"requests", traffic.requests()},
                       {"answers", answers_of(traffic)},
                       {"bytes_sent", traffic.bytes_sent}});
    }
    return out;
}

json::array logs_of(const server::LogThread& logs) {
    json::array out;
    for (const auto& [name, written, lost] : logs.status())
        out.push_back({{"target", name}, {"written", written}, {"lost", lost}});
    return out;
}

json::array disabled_of(const std::vector<DisabledHost>& disabled) {
    json::array out;
    for (const DisabledHost& one : disabled) {
        out.push_back(
            {{"host", one.host}, {"reason", one.reason}, {"remedy", one.hint}, {"place", one.place}});
    }
    return out;
}

// Names that show a placeholder, as the module of their host has offered nothing.
json::array placeholders_of(const server::Generation& generation) {
    json::array out;
    for (const server::HostEntry& host : generation.hosts()) {
        if (!host.offered) continue;
        for (const auto& [name, set] : host.offered->names()) {
            if (!set->is_empty()) continue;
            out.push_back({{"host", host.settings->name},
                           {"name", name},
                           {"module", host.settings->certificate_module}});
        }
    }
    return out;
}

Reply status(Process& process) {
    const server::Server& server = process.server();
    json::array workers;
    std::uint64_t requests = 0;
    for (const auto& worker : server.worker_status()) {
        requests += worker.requests;
        workers.push_back({{"connections", worker.connections}, {"requests", worker.requests}});
    }
    const auto hosts = server::traffic_of_hosts();
    const server::Traffic total = server::traffic_of_listeners();
    const auto generation = server.generation();
    json::object out{
        {"version", version()},
        {"state", process.is_stopping() ? "stopping" : "serving"},
        {"pid", ::getpid()},
        {"supervisor_pid", ::getppid()},
        {"config", std::filesystem::absolute(process.options().config).string()},
        {"control", process.control_socket()},
        {"started", process.started()},
        {"uptime_seconds", process.uptime()},
        {"generation", generation->number()},
        {"loaded", process.loaded()},
        {"trial_left_ms", process.trial_left()},
        {"reloads", process.reloads()},
        {"failed_reloads", process.failed_reloads()},
        {"last_reload_error", process.last_failure()},
        {"hosts", generation->host_count()},
        {"disabled", disabled_of(process.disabled())},
        {"placeholders", placeholders_of(*generation)},
        {"connections", server.open_connections()},
        {"requests", requests},
        {"answers", answers_of(total)},
        {"bytes_sent", total.bytes_sent},
        {"workers", std::move(workers)},
        {"by_host", hosts_of(hosts)},
        {"listeners", listeners_of(server)},
        {"logs", logs_of(process.logs())},
        {"error_log", {{"level", log::name_of(log::level())}, {"lost", log::lost_lines()}}},
    };
    return {200, std::move(out)};
}

Reply no_number(std::string_view key, std::string_view of) {
    return control::refusal(400, fmt::format("{} is not a number of {}", key, of), "send 0 or more");
}

Reply reply_of(Process& process, const Verdict& verdict) {
    json::error_code error;
    json::value diagnostics = json::parse(verdict.diagnostics, error);
    if (error || !diagnostics.is_array()) diagnostics = json::array();
    json::object out{
        {"applied", verdict.is_applied},         {"generation", verdict.generation},
        {"diagnostics", std::move(diagnostics)}, {"report", verdict.report},
        {"changes", plan_json(verdict.changes)}, {"changes_text", server::render_changes(verdict.changes)}};
    if (verdict.is_applied) out["disabled"] = disabled_of(process.disabled());
    if (verdict.error.empty()) return {200, std::move(out)};
    out["error"] = verdict.error;
    out["remedy"] = verdict.remedy;
    return {verdict.is_untimely ? 409 : 422, std::move(out)};
}

// As reload, but nothing happens. A change of a listener that closes sockets says how many connections it
// has.
Reply plan(Process& process) {
    Verdict verdict = process.plan();
    for (server::Change& change : verdict.changes) {
        if (change.kind != server::Change::Kind::Listener || change.effects.empty()) continue;
        for (const auto& listener : process.server().listener_status()) {
            if (listener.name != change.name) continue;
            change.effects.push_back(fmt::format("{} connections are open on it now", listener.connections));
        }
    }
    return reply_of(process, verdict);
}

// "confirm_ms": a number, or absent for a reload that is meant for good. "strict": true, to have faults of
// single hosts and warnings refuse it.
Reply reload(Process& process, const Request& request) {
    const json::value* const strict = request.body.if_contains("strict");
    if (strict != nullptr && !strict->is_bool()) {
        return control::refusal(400, "strict is neither true nor false", "send true, or leave it out");
    }
    const auto trial = control::number_of(request.body, "confirm_ms", 0);
    if (!trial) return no_number("confirm_ms", "milliseconds");
    log_call("reload", request.caller);
    const bool is_strict = strict != nullptr && strict->get_bool();
    return reply_of(process, process.reload(*trial, is_strict ? Strictness::Strict : Strictness::Lenient));
}

// "generation": a number, or absent for the one that served before.
Reply rollback(Process& process, const Request& request) {
    log_call("rollback", request.caller);
    const auto& all = process.history().all();
    const bool has_one_before = all.size() > 1;
    const auto generation =
        control::number_of(request.body, "generation",
                           has_one_before ? static_cast<std::int64_t>(all[all.size() - 2].generation) : 0);
    if (!generation) return no_number("generation", "a generation");
    return reply_of(process, process.rollback(static_cast<std::uint64_t>(*generation)));
}

Reply confirm(Process& process, const Request& request) {
    log_call("confirmation", request.caller);
    if (!process.confirm()) {
        return control::refusal(409, "no generation is on trial",
                                "it was confirmed before, or its time is over: see the history");
    }
    return {200, {{"generation", process.server().generation()->number()}}};
}

Reply history(const Process& process) {
    json::array out;
    for (const Served& served : process.history().all()) {
        out.push_back({{"generation", served.generation},
                       {"loaded", served.loaded},
                       {"cause", served.cause},
                       {"confirmed", served.is_confirmed},
                       {"serves", served.generation == process.server().generation()->number()}});
    }
    return {200, {{"generations", std::move(out)}}};
}

// The files of one generation. What came from the environment or by ${file:} is not told.
Reply files(const Process& process, const Request& request) {
    const auto generation = control::number_of(request.body, "generation", 0);
    const Served* const served =
        generation ? process.history().find(static_cast<std::uint64_t>(*generation)) : nullptr;
    if (served == nullptr) {
        return control::refusal(404, "there is no such generation", "\"gantry history\" lists them");
    }
    const auto snapshot = read_snapshot(served->snapshot.get());
    if (!snapshot) return control::refusal(404, "its files were not kept", "there was no memory for them");
    json::array out;
    for (const auto& [name, file] : snapshot->files) {
        out.push_back({{"name", name}, {"text", file.text}});
    }
    return {200, {{"generation", served->generation}, {"files", std::move(out)}}};
}

// "timeout_ms": a number, or absent for server.drain_timeout.
void stop(Process& process, const Request& request, const Answer& answer) {
    const auto timeout = control::number_of(request.body, "timeout_ms", -1);
    if (!timeout) {
        answer(no_number("timeout_ms", "milliseconds"));
        return;
    }
    log_call("stop", request.caller);
    process.stop(*timeout < 0 ? std::nullopt : timeout,
                 [answer](std::uint64_t left) { answer({200, {{"cut_connections", left}}}); });
}

void upgrade(Process& process, const Request& request, const Answer& answer) {
    log_call("upgrade", request.caller);
    process.upgrade([answer](const Process::Upgraded& result) {
        if (result.error.empty()) {
            answer({200, {{"from", version()}, {"version", result.version}, {"pid", result.pid}}});
        } else {
            answer(
                control::refusal(409, result.error, "what served before goes on; the error log says more"));
        }
    });
}

}  // namespace

void add_operations(control::Api& api, Process& process) {
    using http::Method;
    // Answered at once.
    const auto add = [&](Method method, std::string_view path, std::function<Reply(const Request&)> run) {
        api.add(method, path, [run = std::move(run)](const Request& request, const Answer& answer) {
            answer(run(request));
        });
    };
    add(Method::Get, "/v1/status", [&](const Request&) { return status(process); });
    add(Method::Get, "/v1/history", [&](const Request&) { return history(process); });
    add(Method::Post, "/v1/history/files", [&](const Request& request) { return files(process, request); });
    add(Method::Post, "/v1/plan", [&](const Request&) { return plan(process); });
    add(Method::Post, "/v1/reload", [&](const Request& request) { return reload(process, request); });
    add(Method::Post, "/v1/rollback", [&](const Request& request) { return rollback(process, request); });
    add(Method::Post, "/v1/confirm", [&](const Request& request) { return confirm(process, request); });
    add(Method::Post, "/v1/reopen", [&](const Request& request) {
        log_call("reopening of logs", request.caller);
        process.reopen_logs();
        return Reply{200, {}};
    });
    api.add(Method::Post, "/v1/upgrade",
            [&](const Request& request, const Answer& answer) { upgrade(process, request, answer); });
    api.add(Method::Post, "/v1/stop",
            [&](const Request& request, const Answer& answer) { stop(process, request, answer); });
    add_log_operations(api, process);
}

}  // namespace gantry::cli
