#include "core/cli/run.hpp"

#include "core/cli/serve.hpp"
#include "core/cli/supervisor.hpp"

namespace gantry::cli {

int run_command(const RunOptions& options) {
    return supervise([&](FromSupervisor supervisor) { return serve(options, std::move(supervisor)); });
}

}  // namespace gantry::cli
