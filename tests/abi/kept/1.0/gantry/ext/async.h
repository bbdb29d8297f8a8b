/* gantry.async/1: a hook that has to wait, for whatever it is, without its worker waiting.
 *
 *   [worker]  ticket = suspend(exchange, state, drop); something is begun; return GANTRY_WAIT
 *   [any]     resume(ticket, verdict) when it is done
 *   [worker]  drop(state), and the exchange goes on, or is over
 *
 * A ticket is a value. It may be kept too long, copied and used twice: what it is for may be gone by then, as
 * clients leave, and a stale ticket is refused. drop() is called exactly once, whether the exchange wakes or
 * dies, always on its worker: the one place for cleaning up. It is never called while code of the module for that
 * ticket runs on the worker (what was posted, a timer, an answer that was asked for): whoever answers there may go on
 * with its own things until it returns. */
#ifndef GANTRY_EXT_ASYNC_H
#define GANTRY_EXT_ASYNC_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_ASYNC_1 "gantry.async/1"

typedef struct gantry_ticket {
    uint64_t place;
    uint64_t serial;
} gantry_ticket_t;

typedef struct gantry_async_1 {
    uint32_t size;

    /* In a hook, which then returns GANTRY_WAIT. `drop` may be NULL. [worker] [running] */
    gantry_ticket_t (*suspend)(gantry_exchange_t* exchange, void* state,
                               void (*drop)(void* state) GANTRY_NOEXCEPT) GANTRY_NOEXCEPT;

    /* Wakes it: GANTRY_NEXT goes on with the next hook, GANTRY_AGAIN asks the one that waited once more,
     * GANTRY_DONE leaves it to what was answered, GANTRY_FAIL answers 500. It is done soon, on the worker of the
     * exchange, and never within this call, so that a hook may be resumed before it has returned. On that worker
     * GANTRY_ERROR_STALE says that there is nothing to wake; elsewhere that cannot be known, and does no harm.
     * [any] */
    gantry_result_t (*resume)(const gantry_host_t* host, gantry_ticket_t ticket,
                              gantry_verdict_t verdict) GANTRY_NOEXCEPT;

    /* The exchange that sleeps, in order to answer it: then resume it with GANTRY_DONE. NULL: the ticket is
     * stale. [worker] [borrow:call] */
    gantry_exchange_t* (*exchange_of)(const gantry_host_t* host, gantry_ticket_t ticket)GANTRY_NOEXCEPT;

    /* `run(state)` soon, on the worker of that ticket, from any thread; also where the ticket is stale by
     * then: find out by exchange_of(). Not called where gantry ends before. [any] */
    gantry_result_t (*post)(const gantry_host_t* host, gantry_ticket_t ticket, void* state,
                            void (*run)(void* state) GANTRY_NOEXCEPT) GANTRY_NOEXCEPT;

    /* `work(state)` on a thread that may wait: files, password hashes, libraries that block. There are few of
     * these. GANTRY_ERROR_LIMIT: too many are waiting already. [any] */
    gantry_result_t (*run_blocking)(const gantry_host_t* host, void* state,
                                    void (*work)(void* state) GANTRY_NOEXCEPT) GANTRY_NOEXCEPT;
} gantry_async_1_t;

GANTRY_END

#endif
