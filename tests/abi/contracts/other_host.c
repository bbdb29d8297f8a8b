/* It makes a host of its own.
 * when: load
 * contract: gantry.log/1 write: called with a host that is none, or after close() */
#include "contract.h"

static bool prepare(gantry_scope_t* top) {
    const gantry_host_t copy = *host;
    (void)top;
    logger->write(&copy, GANTRY_INFO, GANTRY_BYTES("hello"));
    return true;
}

static const broken_t broken = {.prepare = prepare};

BROKEN("other-host");
