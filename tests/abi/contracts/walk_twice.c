/* A walk is ended twice.
 * when: load
 * contract: gantry.metrics/1 end_walk: [borrow:instance] a walk is used that is gone: its instance is
 * retired, or it was ended */
#include "contract.h"

static bool prepare(gantry_scope_t* top) {
    gantry_walk_t* const walk = metrics->begin_walk(host);
    (void)top;
    metrics->end_walk(walk);
    metrics->end_walk(walk);
    return true;
}

static const broken_t broken = {.prepare = prepare};

BROKEN("walk-twice");
