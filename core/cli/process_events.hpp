// What modules are told of the process itself (gantry.events/1).
#pragma once

#include "core/module/events.hpp"
#include "core/server/plan.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::cli {

// [main], each.
void tell_ready(module::Events& events, std::uint64_t generation);
void tell_reloaded(module::Events& events, std::uint64_t generation,
                   const std::vector<server::Change>& changes);
void tell_reload_refused(module::Events& events, std::string_view error);
void tell_stopping(module::Events& events);

}  // namespace gantry::cli
