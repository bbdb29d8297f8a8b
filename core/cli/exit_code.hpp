// How the commands end, for scripts; documented in `gantry --help`.
#pragma once

namespace gantry::cli {

enum ExitCode : int {
    kOk = 0,
    kFailure = 1,  // something went wrong while running
    kUsage = 2,    // the command line is wrong
    kInvalidConfiguration = 3,
    kUnreachable = 4,  // no running gantry answers
};

}  // namespace gantry::cli
