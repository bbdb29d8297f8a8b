#include "core/cli/operations.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/log_operations.hpp"
#include "core/cli/plan.hpp"
#include "core/cli/process.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <unistd.h>

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

json::array hosts_of(const std::vector<server::Server::HostTraffic>& hosts) {
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

Reply status(const Process& process) {
    const server::Server& server = process.server();
    json::array workers;
    std::uint64_t requests = 0;
    for (const auto& worker : server.worker_status()) {
        requests += worker.requests;
        workers.push_back({{"connections", worker.connections}, {"requests", worker.requests}});
    }
    const auto hosts = server.host_traffic();
    server::Traffic total;
    for (const auto& host : hosts) total += host.traffic;
    const auto generation = server.generation();
    json::object out{
        {"version", version()},
        {"state", process.is_stopping() ? "stopping" : "serving"},
        {"pid", ::getpid()},
        {"supervisor_pid", ::getppid()},
        {"config", std::filesystem::absolute(process.options().config).string()},
        {"control", process.control_socket()},
        {"started", process.started()},
        {"uptime_seconds", wall_nanos() / 1'000'000'000 - process.started()},
        {"generation", generation->number()},
        {"loaded", process.loaded()},
        {"reloads", process.reloads()},
        {"failed_reloads", process.failed_reloads()},
        {"last_reload_error", process.last_failure()},
        {"hosts", generation->host_count()},
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

Reply reload(Process& process) {
    const Verdict verdict = process.reload();
    json::error_code error;
    json::value diagnostics = json::parse(verdict.diagnostics, error);
    if (error || !diagnostics.is_array()) diagnostics = json::array();
    json::object out{
        {"applied", verdict.is_applied},         {"generation", verdict.generation},
        {"diagnostics", std::move(diagnostics)}, {"report", verdict.report},
        {"changes", plan_json(verdict.changes)}, {"changes_text", server::render_changes(verdict.changes)}};
    if (!verdict.is_applied) {
        out["error"] = verdict.error;
        out["remedy"] = "mend what the report names and reload again; what served before goes on";
    }
    return {verdict.is_applied ? 200 : 422, std::move(out)};
}

// "timeout_ms": a number, or absent for server.drain_timeout.
void stop(Process& process, const Request& request, const Answer& answer) {
    std::optional<Millis> timeout;
    if (const json::value* const given = request.body.if_contains("timeout_ms")) {
        json::error_code error;
        const auto value = given->to_number<std::int64_t>(error);
        if (error || value < 0) {
            answer(control::refusal(400, "timeout_ms is not a number of milliseconds", "send 0 or more"));
            return;
        }
        timeout = value;
    }
    log_call("stop", request.caller);
    process.stop(timeout, [answer](std::uint64_t left) { answer({200, {{"cut_connections", left}}}); });
}

}  // namespace

void add_operations(control::Api& api, Process& process) {
    using http::Method;
    api.add(Method::Get, "/v1/status",
            [&](const Request&, const Answer& answer) { answer(status(process)); });
    api.add(Method::Post, "/v1/reload", [&](const Request& request, const Answer& answer) {
        log_call("reload", request.caller);
        answer(reload(process));
    });
    api.add(Method::Post, "/v1/reopen", [&](const Request& request, const Answer& answer) {
        log_call("reopening of logs", request.caller);
        process.reopen_logs();
        answer({200, {}});
    });
    api.add(Method::Post, "/v1/stop",
            [&](const Request& request, const Answer& answer) { stop(process, request, answer); });
    add_log_operations(api, process);
}

}  // namespace gantry::cli
