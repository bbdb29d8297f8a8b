#include "core/cli/run.hpp"

#include "core/cli/exit_code.hpp"

#include <cstdio>

namespace gantry::cli {

int run_command(const RunOptions& options) {
    std::fprintf(stderr, "gantry: run is not built yet (configuration %s)\n", options.config.c_str());
    return kFailure;
}

}  // namespace gantry::cli
