/* The status is changed when it was logged.
 * when: request
 * contract: gantry.http/1 fail: called in the log phase, when the exchange is over */
#include "contract.h"

static gantry_verdict_t log_it(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->fail(exchange, 500, GANTRY_BYTES(""));
    return GANTRY_NEXT;
}

static const broken_t broken = {.log = log_it};

BROKEN("status-in-log");
