/* A hook is added when the generation serves already.
 * when: load
 * contract: gantry.phase/1 add: [loading] a scope is used after the call that it was lent to has returned */
#include "contract.h"

static gantry_scope_t* kept;

static bool prepare(gantry_scope_t* top) {
    kept = top;
    return true;
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    (void)exchange, (void)self;
    return GANTRY_NEXT;
}

static void commit(void) {
    const gantry_hook_t hook = {.size = sizeof hook, .phase = "access", .name = "broken", .run = access};
    phase->add(kept, &hook);
}

static const broken_t broken = {.prepare = prepare, .commit = commit};

BROKEN("scope-kept");
