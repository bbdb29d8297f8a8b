// The commands that ask a running gantry over its control socket: reload, rollback, confirm,
// history, plan, upgrade, stop, status, reopen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gantry::cli {

struct RemoteOptions {
    std::string config = "/etc/gantry/gantry.toml";  // of the gantry that is meant
    std::string socket;                              // "" = the one of that configuration
    bool json = false;
    bool quiet = false;  // say nothing when all is well
};

// Each returns an ExitCode; kUnreachable when no gantry answers.
// `trial`: what served before is served again after this time ("60s") unless confirmed; "": no trial.
// `is_strict`: what is wrong with single hosts refuses it as a whole.
int reload_command(const RemoteOptions& options, const std::string& trial, bool is_strict);
// Absent: to the one that served before.
int rollback_command(const RemoteOptions& options, std::optional<std::uint64_t> generation);
int confirm_command(const RemoteOptions& options);
// Absent: the list; else the files of that one.
int history_command(const RemoteOptions& options, std::optional<std::uint64_t> generation);
// What a reload would change.
int running_plan_command(const RemoteOptions& options);
int modules_command(const RemoteOptions& options);
int status_command(const RemoteOptions& options);
// Waits until the program that lies at the path of the running one serves in its place.
int upgrade_command(const RemoteOptions& options);
int reopen_command(const RemoteOptions& options);
// Prints the level of the error log, or changes it. `level`: "debug"; "" = print it. `duration`: "10m"; "" =
// until the next reload.
int log_level_command(const RemoteOptions& options, const std::string& level, const std::string& duration);
// Waits until the process has ended. `timeout`: for the open connections ("10s"); "": server.drain_timeout.
int stop_command(const RemoteOptions& options, const std::string& timeout);

}  // namespace gantry::cli
