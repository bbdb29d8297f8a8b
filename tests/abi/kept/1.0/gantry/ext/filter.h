/* gantry.filter/1: changing responses on their way to the client, whoever made them. */
#ifndef GANTRY_EXT_FILTER_H
#define GANTRY_EXT_FILTER_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_FILTER_1 "gantry.filter/1"

typedef struct gantry_sink gantry_sink_t; /* where the bytes go that a body filter lets out */

/* Just before the head is sent; once for each response, error pages included. Status and fields may be
 * changed by gantry.http/1; nothing may be sent. [worker] [running] */
typedef struct gantry_header_filter {
    uint32_t size; /* sizeof(gantry_header_filter_t) */
    uint32_t unused;
    const char* name;   /* as that of a hook */
    const char* before; /* names of header filters, with commas between; NULL: none */
    const char* after;
    void (*run)(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
    void* self; /* lives until retire() */
} gantry_header_filter_t;

/* At work on one body. The exchange must not be sent to in these. [worker] [running] */
typedef struct gantry_body_filter {
    uint32_t size; /* sizeof(gantry_body_filter_t) */
    uint32_t unused;
    /* The next bytes, never none; what comes of them, now or later, goes to `sink`. False: the body cannot be
     * made; the response is cut so that the client can tell. */
    bool (*on_data)(void* state, gantry_bytes_t data, gantry_sink_t* sink) GANTRY_NOEXCEPT;
    /* The body is complete: what was held back has to go out. Not called where the response ends early. */
    bool (*on_end)(void* state, gantry_sink_t* sink) GANTRY_NOEXCEPT;
    /* Always called, last, once. May be NULL. */
    void (*drop)(void* state) GANTRY_NOEXCEPT;
    /* Whoever answers has nothing more for now, and the body is not complete: what is held back should go out, where
     * the client could use it. Called only where data came since the last time. False: as in on_data. May be NULL. */
    bool (*on_pause)(void* state, gantry_sink_t* sink) GANTRY_NOEXCEPT;
} gantry_body_filter_t;

typedef struct gantry_filter_1 {
    uint32_t size;

    /* `scope`: what configure() or configure_host() was given. In the order of the list `modules` of the configuration, where
     * `before` and `after` say nothing else; the fields that the configuration sets itself come last. [main]
     * [loading] */
    gantry_result_t (*add_header_filter)(gantry_scope_t* scope, const gantry_header_filter_t* filter)
        GANTRY_NOEXCEPT;

    /* In a header filter: the body of this response goes through `filter`, which is copied, behind those that
     * were added before. Its length is not known any more, and is taken out of the head. GANTRY_ERROR_STATE:
     * there is no body; `drop` is not called then. [worker] [running] */
    gantry_result_t (*add_body_filter)(gantry_exchange_t* exchange, const gantry_body_filter_t* filter,
                                       void* state) GANTRY_NOEXCEPT;

    /* In on_data and on_end. [worker] [running] [borrow:call] */
    void (*send)(gantry_sink_t* sink, gantry_bytes_t data) GANTRY_NOEXCEPT;
} gantry_filter_1_t;

GANTRY_END

#endif
