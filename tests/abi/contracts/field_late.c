/* A field is set after the response.
 * when: answer
 * contract: gantry.http/1 set_field: the head of the response was sent before */
#include "contract.h"

static gantry_verdict_t content(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->respond(exchange, GANTRY_BYTES("done"));
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X-Late"), GANTRY_BYTES("1"));
    return GANTRY_DONE;
}

static const broken_t broken = {.content = content};

BROKEN("field-late");
