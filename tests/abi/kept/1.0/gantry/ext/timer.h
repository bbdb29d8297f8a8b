/* gantry.timer/1: something later. */
#ifndef GANTRY_EXT_TIMER_H
#define GANTRY_EXT_TIMER_H

#include "gantry/ext/async.h"

GANTRY_BEGIN

#define GANTRY_TIMER_1 "gantry.timer/1"

typedef struct gantry_timer_1 {
    uint32_t size;

    /* Resumes `ticket` after `delay` nanoseconds, up to two tenths of a second late, unless it was resumed before. [worker]
     * [running] */
    gantry_result_t (*resume_after)(const gantry_host_t* host, gantry_ticket_t ticket, uint64_t delay,
                                    gantry_verdict_t verdict) GANTRY_NOEXCEPT;

    /* `run(state)` every `interval` nanoseconds, at least 1 ms, beginning after the first; for work beside
     * the traffic. `*id` is for cancel(). [main] */
    gantry_result_t (*every)(const gantry_host_t* host, uint64_t interval, void* state,
                             void (*run)(void* state) GANTRY_NOEXCEPT, uint64_t* id) GANTRY_NOEXCEPT;
    /* Not called again when this returns. GANTRY_ERROR_STALE: there is none of that id. [main] */
    gantry_result_t (*cancel)(const gantry_host_t* host, uint64_t id) GANTRY_NOEXCEPT;

    /* Nanoseconds; does not jump when the clock is set. [any] */
    uint64_t (*monotonic)(void) GANTRY_NOEXCEPT; /* NOLINT(modernize-redundant-void-arg): C */

    /* `run(state)` after `delay` nanoseconds, up to two tenths of a second late, on the worker of `ticket`, while the exchange
     * sleeps on: `run` may answer it, resume it, or wait for the next thing. Never called once the ticket is
     * stale, so `state` may be what drop() cleans up. Several at once are fine. [worker] [running] */
    gantry_result_t (*run_after)(const gantry_host_t* host, gantry_ticket_t ticket, uint64_t delay,
                                 void* state, void (*run)(void* state) GANTRY_NOEXCEPT) GANTRY_NOEXCEPT;
} gantry_timer_1_t;

GANTRY_END

#endif
