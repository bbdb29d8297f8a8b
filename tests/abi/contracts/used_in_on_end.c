/* An exchange is used when it is over.
 * when: answer
 * contract: gantry.http/1 path: [borrow:exchange] the exchange is used in on_end() */
#include "contract.h"

static void on_end(void* exchange) {
    http->path(exchange);
}

static gantry_verdict_t content(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->watch(exchange, exchange, NULL, on_end);
    http->send_head(exchange, 0);
    http->finish(exchange);
    return GANTRY_DONE;
}

static const broken_t broken = {.content = content};

BROKEN("used-in-on-end");
