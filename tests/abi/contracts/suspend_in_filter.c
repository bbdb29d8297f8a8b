/* A header filter waits.
 * when: request
 * contract: gantry.async/1 suspend: called outside of a hook that may wait */
#include "contract.h"

static void head(gantry_exchange_t* exchange, void* self) {
    async->suspend(exchange, self, NULL);
}

static const broken_t broken = {.head = head};

BROKEN("suspend-in-filter");
