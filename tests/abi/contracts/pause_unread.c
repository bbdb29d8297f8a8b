/* The body of a request is paused, and nobody reads it.
 * when: request
 * contract: gantry.http/1 pause_body: nobody reads the body of this exchange */
#include "contract.h"

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->pause_body(exchange);
    return GANTRY_NEXT;
}

static const broken_t broken = {.access = access};

BROKEN("pause-unread");
