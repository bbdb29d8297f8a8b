/* A body filter is added by a hook.
 * when: request
 * contract: gantry.filter/1 add_body_filter: called outside of a header filter of that response */
#include "contract.h"

static bool data(void* state, gantry_bytes_t bytes, gantry_sink_t* sink) {
    (void)state;
    filter->send(sink, bytes);
    return true;
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    static const gantry_body_filter_t kBody = {.size = sizeof kBody, .on_data = data};
    filter->add_body_filter(exchange, &kBody, self);
    return GANTRY_NEXT;
}

static const broken_t broken = {.access = access};

BROKEN("body-filter-in-hook");
