// How the commands end, for scripts.
#pragma once

#include <string_view>

namespace gantry::cli {

enum ExitCode : int {
    kOk = 0,
    kFailure = 1,  // something went wrong while running
    kUsage = 2,    // the command line is wrong
    kInvalidConfiguration = 3,
    kUnreachable = 4,  // no running gantry answers
};

// For --help and the manual: a new code has its line here.
struct ExitCodeDoc {
    ExitCode code;
    std::string_view text;
};
inline constexpr ExitCodeDoc kExitCodes[] = {
    {kOk, "all is well"},
    {kFailure, "failed while running"},
    {kUsage, "wrong command line, or help on something that does not exist"},
    {kInvalidConfiguration, "invalid configuration"},
    {kUnreachable, "no running gantry answers"},
};

}  // namespace gantry::cli
