// The server process: loads the configuration, serves it, and does what signals and the control socket ask
// for.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/task_queue.hpp"
#include "core/base/unique_fd.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/heartbeat.hpp"
#include "core/cli/log_level.hpp"
#include "core/cli/run.hpp"
#include "core/cli/supervisor.hpp"
#include "core/control/api.hpp"
#include "core/control/control_server.hpp"
#include "core/net/socket_broker.hpp"
#include "core/server/plan.hpp"
#include "core/server/server.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

// What became of a reload.
struct Verdict {
    bool is_applied = false;
    std::uint64_t generation = 0;  // that serves now
    std::string error;             // one sentence; "" when it was applied
    std::string report;            // errors and warnings with their places, for people; may be empty
    std::string diagnostics;       // the same as a JSON array
    std::vector<server::Change> changes;
};

// [main] throughout.
class Process {
public:
    // The first two outlive it.
    Process(const RunOptions& options, net::BrokeredSockets& sockets, FromSupervisor supervisor);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // Serves until it is told to stop. Returns an ExitCode.
    int run();

    // Loads the configuration anew. Where something is wrong, everything stays as it was and the log says
    // why.
    Verdict reload();
    // Opens every log file anew, after rotation.
    void reopen_logs();
    // Ends once the open connections are done, at the latest after `timeout`; empty: after
    // server.drain_timeout. Called again, the earlier end counts. `on_end` is told how many connections were
    // cut.
    void stop(std::optional<Millis> timeout, std::function<void(std::uint64_t left)> on_end = {});

    const RunOptions& options() const { return options_; }
    const server::Server& server() const { return *server_; }
    const server::LogThread& logs() const { return logs_; }
    LogLevel& log_level() { return log_level_; }
    bool is_stopping() const { return stop_at_ != 0; }
    std::int64_t started() const { return started_; }  // seconds since 1970
    std::int64_t loaded() const { return loaded_; }    // of the generation that serves
    std::uint64_t reloads() const { return reloads_; }
    std::uint64_t failed_reloads() const { return failed_reloads_; }
    const std::string& last_failure() const { return last_failure_; }  // of a reload, if it was the last one
    const std::string& control_socket() const { return control_path_; }

private:
    int start();
    Verdict load_and_apply();
    void open_control(const conf::Server::Control& settings);
    void open_log(const conf::Log& settings);
    void wait_for_event();
    std::string summary() const;
    void on_signal(int number);
    bool is_drained() const;
    int end();

    const RunOptions& options_;
    FromSupervisor supervisor_;
    net::BrokeredSockets& sockets_;
    server::LogThread logs_;
    content::Services services_;
    std::unique_ptr<server::Server> server_;
    std::unique_ptr<Heartbeat> heartbeat_;
    LogLevel log_level_;
    TaskQueue tasks_;
    UniqueFd signals_;
    control::Api api_;
    std::unique_ptr<control::ControlServer> control_;
    std::string control_path_;  // of the socket that is open; "" = none
    std::int64_t started_ = 0;
    std::int64_t loaded_ = 0;
    std::uint64_t reloads_ = 0;
    std::uint64_t failed_reloads_ = 0;
    std::string last_failure_;
    Millis stop_at_ = 0;  // 0: nobody asked; a time at which the open connections are cut
    Millis stop_asked_at_ = 0;
    std::vector<std::function<void(std::uint64_t)>> on_end_;
};

}  // namespace gantry::cli
