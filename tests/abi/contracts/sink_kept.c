/* A body filter sends when it is dropped.
 * when: request
 * contract: gantry.filter/1 send: [borrow:call] a sink is used after the call that it was lent to has
 * returned */
#include "contract.h"

static gantry_sink_t* kept;

static bool data(void* state, gantry_bytes_t bytes, gantry_sink_t* sink) {
    (void)state;
    kept = sink;
    filter->send(sink, bytes);
    return true;
}

static void drop(void* state) {
    (void)state;
    filter->send(kept, GANTRY_BYTES("late"));
}

static void head(gantry_exchange_t* exchange, void* self) {
    static const gantry_body_filter_t kBody = {.size = sizeof kBody, .on_data = data, .drop = drop};
    filter->add_body_filter(exchange, &kBody, self);
}

static const broken_t broken = {.head = head};

BROKEN("sink-kept");
