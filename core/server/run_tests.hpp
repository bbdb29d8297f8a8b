// Runs the tests that stand in a configuration.
#pragma once

#include "core/server/generation.hpp"

#include <memory>

namespace gantry::server {

// Each expectation that does not hold becomes a problem at its place. Control plane; asks no disk and no
// peer.
void run_tests(const std::shared_ptr<const Generation>& generation, Problems& problems);

}  // namespace gantry::server
