// gantry tail: the requests that a running gantry finishes, as they happen.
#pragma once

#include "core/cli/remote.hpp"

#include <cstdint>
#include <string>

namespace gantry::cli {

struct TailOptions : RemoteOptions {
    std::string where;        // server/where.hpp
    std::uint32_t last = 10;  // of those that were finished before
    bool once = false;        // then end
};

// Returns an ExitCode. Ends when its output is closed, or when no gantry answers any more.
int tail_command(const TailOptions& options);

}  // namespace gantry::cli
