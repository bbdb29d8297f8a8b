// What the store answers, on its way to the module that asked.
#pragma once

#include "core/module/module.hpp"
#include "core/store/operation.hpp"

#include <gantry/ext/store.h>

namespace gantry::module {

// Tells `reply` once, where it wants to be told; where that thread ends before, on any. [any]
void deliver(const Module& module, const gantry_store_reply_t& reply, store::Answer&& answer);

}  // namespace gantry::module
