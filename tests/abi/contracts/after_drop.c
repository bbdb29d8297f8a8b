/* An exchange is used when its ticket is dropped, while others answer it.
 * when: proxy
 * contract: gantry.http/1 status: [borrow:exchange] the exchange is used outside of the hook or the ticket
 * that holds it */
#include "contract.h"

static gantry_ticket_t ticket;

static void look(void* exchange) {
    http->status(exchange);
}

static void drop(void* exchange) {
    async->post(host, ticket, exchange, look);
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    (void)self;
    ticket = async->suspend(exchange, exchange, drop);
    async->resume(host, ticket, GANTRY_NEXT);
    return GANTRY_WAIT;
}

static const broken_t broken = {.access = access};

BROKEN("after-drop");
