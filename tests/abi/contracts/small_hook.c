/* A hook without its size.
 * when: configure
 * contract: gantry.phase/1 add: the size of its gantry_hook_t is 0, and 56 is the least */
#include "contract.h"

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    (void)exchange, (void)self;
    return GANTRY_NEXT;
}

static bool configure(gantry_scope_t* scope) {
    const gantry_hook_t hook = {.phase = "access", .name = "broken", .run = access};
    return phase->add(scope, &hook) == GANTRY_OK;
}

static const broken_t broken = {.configure = configure};

BROKEN("small-hook");
