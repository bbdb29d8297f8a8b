// The parent of the server process: keeps the listening sockets and keeps one server process alive.
#pragma once

#include "core/base/unique_fd.hpp"

#include <functional>

namespace gantry::cli {

// Forks and runs `serve(to_supervisor)` in the child, whose return value is its exit code. When a child that
// was ready dies, the next one is started, with back-off when that repeats. SIGTERM, SIGINT, SIGQUIT and
// SIGHUP are passed on. Returns the exit code of the process: the child's when it ended on request, or when
// it never became ready.
int supervise(const std::function<int(UniqueFd to_supervisor)>& serve);

}  // namespace gantry::cli
