/* A header filter answers.
 * when: request
 * contract: gantry.http/1 respond: called in a filter */
#include "contract.h"

static void head(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->respond(exchange, GANTRY_BYTES("again"));
}

static const broken_t broken = {.head = head};

BROKEN("respond-in-filter");
