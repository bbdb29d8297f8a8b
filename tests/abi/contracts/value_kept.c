/* A value outlives its instance.
 * when: load
 * contract: gantry.conf/1 boolean: [borrow:instance] a value is used that is gone: its instance is retired,
 * or it was ended */
#include "contract.h"

static const gantry_value_t* kept;
static int loads;

static bool prepare(gantry_scope_t* top) {
    if (++loads == 1) kept = conf->find(top, GANTRY_BYTES("broken"));
    return conf->boolean(kept);
}

static const broken_t broken = {.prepare = prepare};

BROKEN("value-kept");
