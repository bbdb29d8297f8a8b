/* gantry.phase/1: functions that are asked about each exchange of a location.
 *
 * The phases, in their order; where the request was routed, its location's hooks are asked:
 *   rewrite     change the request before anyone judges it: path, fields
 *   preaccess   cheap refusals: limits, address lists
 *   access      who may
 *   precontent  decisions about what answers: caches
 *   content     what answers
 *   log         it is over; the response cannot be changed any more. Asked for every exchange of the
 *               location, also where the client left. The verdict is not looked at. */
#ifndef GANTRY_EXT_PHASE_H
#define GANTRY_EXT_PHASE_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_PHASE_1 "gantry.phase/1"

/* Of a hook up to preaccess: it answers the preflights of browsers (OPTIONS with Origin and
 * Access-Control-Request-Method), which then come here also where the location does not take OPTIONS, as long as it
 * takes the method that is asked for. Those that no such hook answers are answered with 405. */
#define GANTRY_HOOK_PREFLIGHTS 1u

typedef struct gantry_hook {
    uint32_t size;     /* sizeof(gantry_hook_t) */
    uint32_t flags;    /* GANTRY_HOOK_..., together; 0 */
    const char* phase; /* "access" */
    const char* name;  /* for logs, `gantry explain`, and the order: "MODULE" or "MODULE.WHAT" */
    /* Names of hooks of the same phase, with commas between; those that are not there do no harm. NULL: none. */
    const char* before;
    const char* after;
    gantry_verdict_t (*run)(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
    void* self; /* lives until retire() */
} gantry_hook_t;

typedef struct gantry_phase_1 {
    uint32_t size;

    /* `scope`: what configure() was given. Without `before` and `after`, hooks are asked in the order of the
     * list `modules` of the configuration. The strings are copied. Names that would have to come before
     * themselves make the load fail, and it says which. [main] [loading] [borrow:call] */
    gantry_result_t (*add)(gantry_scope_t* scope, const gantry_hook_t* hook) GANTRY_NOEXCEPT;
} gantry_phase_1_t;

GANTRY_END

#endif
