// The routes of the control API about modules, /v1/modules, and those that modules bring along,
// /v1/modules/NAME/…
#pragma once

#include "core/control/api.hpp"
#include "core/module/instances.hpp"
#include "core/module/modules.hpp"
#include "core/server/generation.hpp"

#include <functional>
#include <memory>

namespace gantry::cli {

// `modules` outlives `api`; `serving`: the generation that serves. The routes run on the thread of `api`.
void add_module_operations(control::Api& api, const module::Modules& modules,
                           std::function<std::shared_ptr<const server::Generation>()> serving);

}  // namespace gantry::cli
