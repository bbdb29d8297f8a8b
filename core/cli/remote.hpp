// The commands that ask a running gantry over its control socket: reload, stop, status, reopen.
#pragma once

#include <string>

namespace gantry::cli {

struct RemoteOptions {
    std::string config = "/etc/gantry/gantry.toml";  // of the gantry that is meant
    std::string socket;                              // "" = the one of that configuration
    bool json = false;
    bool quiet = false;  // say nothing when all is well
};

// Each returns an ExitCode; kUnreachable when no gantry answers.
int reload_command(const RemoteOptions& options);
int status_command(const RemoteOptions& options);
int reopen_command(const RemoteOptions& options);
// Prints the level of the error log, or changes it. `level`: "debug"; "" = print it. `duration`: "10m"; "" =
// until the next reload.
int log_level_command(const RemoteOptions& options, const std::string& level, const std::string& duration);
// Waits until the process has ended. `timeout`: for the open connections ("10s"); "": server.drain_timeout.
int stop_command(const RemoteOptions& options, const std::string& timeout);

}  // namespace gantry::cli
