/* A hook begins a timer of the main thread.
 * when: request
 * contract: gantry.timer/1 every: [main] called on a worker */
#include "contract.h"

static void tick(void* state) {
    (void)state;
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    uint64_t id;
    (void)exchange;
    timer->every(host, 1000000, self, tick, &id);
    return GANTRY_NEXT;
}

static const broken_t broken = {.access = access};

BROKEN("timer-on-worker");
