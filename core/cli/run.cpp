#include "core/cli/run.hpp"

#include "core/cli/serve.hpp"
#include "core/cli/supervisor.hpp"

namespace gantry::cli {

int run_command(const RunOptions& options) {
    return supervise([&](UniqueFd to_supervisor) { return serve(options, std::move(to_supervisor)); });
}

}  // namespace gantry::cli
