// The server process that died before this one: what is known of it, and saying so.
#pragma once

#include "core/base/unique_fd.hpp"

#include <string>

namespace gantry::cli {

struct LastProcess {
    int pid = 0;      // 0: there was none, or it ended as it was told to
    int status = 0;   // as waitpid() gives it
    UniqueFd recent;  // its memory of requests, for server::RecentRings
};

// Where a process writes when it crashes, beside the error log; "" where that is stderr or stdout.
std::string crash_report_path(const std::string& error_log, int pid);

// Puts the last requests of that process behind its crash report, or makes one for it where it had no time to
// (SIGKILL), and names it in the error log. Where there is no such file, the log gets a few of them.
void report_death(const LastProcess& last, const std::string& error_log);

}  // namespace gantry::cli
