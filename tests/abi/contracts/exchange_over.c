/* An exchange is kept until it is over.
 * when: request
 * contract: gantry.http/1 status: [borrow:exchange] the exchange is over, or is another worker's */
#include "contract.h"

static gantry_ticket_t ticket;

static void look(void* exchange) {
    http->status(exchange);
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    ticket = async->suspend(exchange, self, NULL);
    async->resume(host, ticket, GANTRY_NEXT);
    return GANTRY_WAIT;
}

static gantry_verdict_t log_it(gantry_exchange_t* exchange, void* self) {
    (void)self;
    async->post(host, ticket, exchange, look);
    return GANTRY_NEXT;
}

static const broken_t broken = {.access = access, .log = log_it};

BROKEN("exchange-over");
