/* Two tickets of one exchange.
 * when: request
 * contract: gantry.async/1 suspend: called twice: the exchange has a ticket already */
#include "contract.h"

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    async->suspend(exchange, self, NULL);
    async->suspend(exchange, self, NULL);
    return GANTRY_WAIT;
}

static const broken_t broken = {.access = access};

BROKEN("suspend-twice");
