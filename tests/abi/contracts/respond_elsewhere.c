/* What may block answers by itself.
 * when: request
 * contract: gantry.http/1 respond: [worker] called on a thread that is no worker's and not the main one */
#include "contract.h"

static void work(void* exchange) {
    http->respond(exchange, GANTRY_BYTES("done"));
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    async->suspend(exchange, self, NULL);
    async->run_blocking(host, exchange, work);
    return GANTRY_WAIT;
}

static const broken_t broken = {.access = access};

BROKEN("respond-elsewhere");
