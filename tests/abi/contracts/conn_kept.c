/* A connection is kept beyond its filter.
 * when: request
 * contract: gantry.conn/1 listener: [borrow:call] a connection is used after the call that it was lent to has
 * returned */
#include "contract.h"

static gantry_conn_t* kept;

static gantry_verdict_t listen(gantry_conn_t* connection) {
    kept = connection;
    return GANTRY_NEXT;
}

static gantry_verdict_t access(gantry_exchange_t* exchange, void* self) {
    (void)exchange, (void)self;
    conn->listener(kept);
    return GANTRY_NEXT;
}

static const broken_t broken = {.listen = listen, .access = access};

BROKEN("conn-kept");
