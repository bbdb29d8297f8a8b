// The server process: loads the configuration, serves it, and does what signals and the control socket ask
// for.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/task_queue.hpp"
#include "core/base/unique_fd.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/disabled.hpp"
#include "core/cli/heartbeat.hpp"
#include "core/cli/history.hpp"
#include "core/cli/log_level.hpp"
#include "core/cli/run.hpp"
#include "core/cli/supervisor.hpp"
#include "core/control/api.hpp"
#include "core/control/control_server.hpp"
#include "core/net/socket_broker.hpp"
#include "core/server/plan.hpp"
#include "core/server/server.hpp"
#include "core/store/service.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

// What became of a reload or a rollback.
struct Verdict {
    bool is_applied = false;
    bool is_untimely = false;      // it was not tried: something else has to end first
    std::uint64_t generation = 0;  // that serves now
    std::string error;             // one sentence; "" when it was applied
    std::string remedy;
    std::string report;       // errors and warnings with their places, for people; may be empty
    std::string diagnostics;  // the same as a JSON array
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
    // why. `trial`: unless confirm() follows within it, what served before is served again, also when this
    // process dies; 0: it is meant for good.
    Verdict reload(Millis trial = 0, Strictness strictness = Strictness::Lenient);
    // Serves a generation of the history again, as a new one.
    Verdict rollback(std::uint64_t generation);
    // Ends the trial. False: there is none.
    bool confirm();
    // What reload() would do. Opens nothing and changes nothing.
    Verdict plan();
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
    const History& history() const { return history_; }
    Millis trial_left() const;  // 0: there is none
    // Asks the supervisor for an upgrade. `done` is told of its end: an error, or the version and the process
    // id of the server process that goes on, while this one drains.
    struct Upgraded {
        std::string error;  // "" = it worked
        std::string version;
        int pid = 0;
    };
    void upgrade(std::function<void(const Upgraded&)> done);
    bool is_stopping() const { return stop_at_ != 0; }
    std::int64_t started() const { return started_; }  // seconds since 1970
    std::int64_t uptime() const;                       // seconds, whatever was done to the clock meanwhile
    std::int64_t loaded() const;                       // of the generation that serves
    std::uint64_t reloads() const { return reloads_; }
    std::uint64_t failed_reloads() const { return failed_reloads_; }
    const std::string& last_failure() const { return last_failure_; }  // of a reload, if it was the last one
    std::vector<DisabledHost> disabled() {
        return disabled_hosts(*server_->generation(), services_.resolver);
    }
    const std::string& control_socket() const { return control_path_; }

private:
    // A configuration that was loaded, and what it was loaded from.
    struct Candidate {
        Configuration configuration;
        conf::Snapshot snapshot;
    };

    int start();
    // What is to be loaded.
    struct Wanted {
        const Served* kept = nullptr;  // of the history; null: the files
        std::string cause;
        Millis trial = 0;
        Strictness strictness = Strictness::Lenient;
    };

    Candidate load_first();
    Candidate load(const Served* kept, std::uint64_t number, Strictness strictness = Strictness::Lenient);
    void tell_report(const Configuration& loaded);
    Verdict change(const Wanted& wanted);
    Verdict load_and_apply(const Wanted& wanted);
    std::optional<Verdict> why_not_now() const;
    Verdict untimely(std::string error, std::string remedy) const;
    void keep(const conf::Snapshot& snapshot, std::string cause, bool is_confirmed);
    void end_trial();
    void open_control(const conf::Server::Control& settings);
    void open_log(const conf::Log& settings);
    void open_store(const conf::Store& settings);
    void commit_modules();
    int next_timeout() const;
    void wait_for_event();
    std::string summary() const;
    void on_signal(int number);
    void on_notice(const net::Notice& notice);
    bool is_drained() const;
    int end();

    const RunOptions& options_;
    FromSupervisor supervisor_;
    net::BrokeredSockets& sockets_;
    History& history_;
    server::LogThread logs_;
    content::Services services_;
    net::CertificateStore certificates_;
    TaskQueue tasks_;
    module::MainTimers timers_;
    module::Services module_services_;
    module::Modules modules_{module_services_};
    store::Service store_;
    std::unique_ptr<server::Server> server_;
    std::unique_ptr<Heartbeat> heartbeat_;
    LogLevel log_level_;
    UniqueFd signals_;
    control::Api api_;
    std::unique_ptr<control::ControlServer> control_;
    std::string control_path_;  // of the socket that is open; "" = none
    std::int64_t started_ = 0;
    Millis up_since_ = 0;
    std::uint64_t reloads_ = 0;
    std::uint64_t failed_reloads_ = 0;
    std::string last_failure_;
    Millis trial_ends_ = 0;  // 0: there is none
    Millis stop_at_ = 0;     // 0: nobody asked; a time at which the open connections are cut
    Millis stop_asked_at_ = 0;
    std::vector<std::function<void(std::uint64_t)>> on_end_;
    bool is_upgrading_ = false;  // nothing is loaded meanwhile: the successor loads what is served
    std::vector<std::function<void(const Upgraded&)>> on_upgraded_;
};

}  // namespace gantry::cli
