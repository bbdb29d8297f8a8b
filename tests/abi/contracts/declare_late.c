/* Keys are declared when it is open already.
 * when: load
 * contract: gantry.conf/1 declare: [loading] called after open() */
#include "contract.h"

static bool prepare(gantry_scope_t* top) {
    (void)top;
    conf->declare(host, broken_keys, 1, sizeof broken_keys[0]);
    return true;
}

static const broken_t broken = {.prepare = prepare};

BROKEN("declare-late");
