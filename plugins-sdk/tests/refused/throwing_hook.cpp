// expect: noexcept
#include "gantry/gantry.h"

static gantry_verdict_t run(gantry_exchange_t*, void*) {
    return GANTRY_NEXT;
}
extern const gantry_hook_t hook;
const gantry_hook_t hook = {sizeof(gantry_hook_t), 0, "access", "a", nullptr, nullptr, &run, nullptr};
