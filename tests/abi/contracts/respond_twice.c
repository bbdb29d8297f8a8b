/* It answers twice.
 * when: answer
 * contract: gantry.http/1 respond: the head of the response was sent before */
#include "contract.h"

static gantry_verdict_t content(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->respond(exchange, GANTRY_BYTES("done"));
    http->respond(exchange, GANTRY_BYTES("done"));
    return GANTRY_DONE;
}

static const broken_t broken = {.content = content};

BROKEN("respond-twice");
