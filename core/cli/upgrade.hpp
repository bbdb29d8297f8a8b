// Going on as another program: the steps of `gantry upgrade` on the supervisor's side. The supervisor
// replaces itself in place, so that its process id, its sockets and the server process that serves stay.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/cli/handover.hpp"
#include "core/cli/privileges.hpp"
#include "core/cli/run.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace gantry::cli {

// The path that this program was started by; whatever lies there later is what an upgrade starts.
std::string own_program();
// This program itself, also when another one lies at its path.
UniqueFd open_own_program();

// What the supervisor that became this program left; absent: it was started like any other. The error is a
// sentence.
tl::expected<std::optional<Handover>, std::string> handover_to_us();

// Starts the program of `handover` with our arguments, as `identity`, to say whether it would do: whether it
// can be executed, understands arguments and handover, and loads the configuration that is served. What it
// says goes to `output`. -1: it could not be started.
pid_t start_rehearsal(const Handover& handover, const std::optional<Identity>& identity, int output);
// In that program: its exit code. Absent: it is no rehearsal.
std::optional<int> rehearse(const RunOptions& options);

// Becomes `program` (a descriptor; -1: what lies at handover.program). Returns only when that failed, why.
std::string become_program(const Handover& handover, int program);

}  // namespace gantry::cli
