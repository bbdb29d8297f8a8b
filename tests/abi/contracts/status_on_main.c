/* A timer of the main thread changes a response.
 * when: request
 * contract: gantry.http/1 set_status: [worker] called on the main thread */
#include "contract.h"

#include <stdatomic.h>

static _Atomic(gantry_exchange_t*) kept;

static void tick(void* state) {
    gantry_exchange_t* const exchange = atomic_load(&kept);
    (void)state;
    if (exchange != NULL) http->set_status(exchange, 500);
}

static void commit(void) {
    uint64_t id;
    timer->every(host, 1000000, NULL, tick, &id);
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    async->suspend(exchange, self, NULL);
    atomic_store(&kept, exchange);
    return GANTRY_WAIT;
}

static const broken_t broken = {.commit = commit, .access = access};

BROKEN("status-on-main");
