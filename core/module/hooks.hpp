// From the pipeline into a module and back.
#pragma once

#include "core/server/phase.hpp"

namespace gantry::module {

// `self`: a BoundHook, a BoundFilter. [worker]
server::Verdict run_hook(server::Exchange& exchange, const void* self);
server::Verdict run_log_hook(server::Exchange& exchange, const void* self);
void run_filter(server::Exchange& exchange, const void* self);

// What sleeps under `ticket` has failed: it is woken, and answers 500, or goes on where the hook fails open.
// [worker]
void fail_sleeper(server::Exchange& exchange, const server::Ticket& ticket, const char* context);

// A hook of a module runs on this thread: what it sends is written when it returns.
bool is_in_hook();

}  // namespace gantry::module
