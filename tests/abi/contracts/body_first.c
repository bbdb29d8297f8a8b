/* A body without a head.
 * when: answer
 * contract: gantry.http/1 send_body: called before send_head() */
#include "contract.h"

static gantry_verdict_t content(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->send_body(exchange, GANTRY_BYTES("done"));
    return GANTRY_DONE;
}

static const broken_t broken = {.content = content};

BROKEN("body-first");
