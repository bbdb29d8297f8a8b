/* gantry.conn/1: filters of connections, which see them after they were accepted, before anything of TLS or HTTP is
 * read of them.
 *
 * Filters run one after the other. Each may refuse the connection, look at its first bytes, take some of them
 * away (a preface, such as that of the PROXY protocol), and say who is really there. What they leave is what
 * TLS or HTTP begins with.
 *
 * They are added in configure_listener() of gantry.instance/1, for the listener of that scope; keys of the module stand
 * there with GANTRY_IN_LISTENER. */
#ifndef GANTRY_EXT_CONN_H
#define GANTRY_EXT_CONN_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_CONN_1 "gantry.conn/1"

/* A connection, while a filter runs. [borrow:call] */
typedef struct gantry_conn gantry_conn_t;

/* Whether a filter can be shown more bytes than it is. */
#define GANTRY_CONN_OPEN 0u  /* yes, when they come */
#define GANTRY_CONN_FULL 1u  /* no: these are `most` */
#define GANTRY_CONN_ENDED 2u /* no: the client has ended its direction */
#define GANTRY_CONN_LATE 3u  /* no: the deadline has passed */

#define GANTRY_CONN_MOST_BYTES 66560u

typedef struct gantry_conn_filter {
    uint32_t size; /* sizeof(gantry_conn_filter_t) */
    uint32_t
        most; /* bytes that it wants to see at most, up to GANTRY_CONN_MOST_BYTES; 0: none, and it does not wait */
    uint64_t deadline; /* nanoseconds that it may wait; not 0 where `most` is not */
    const char* name;  /* for logs, and the order: "MODULE" or "MODULE.WHAT" */
    /* Names of filters, with commas between; those that are not there do no harm. NULL: none. */
    const char* before;
    const char* after;
    /* At first as soon as the connection is there, then whenever something came, until it does not answer
     * GANTRY_WAIT. `bytes` are all that were received and that no filter has taken, from the first one; they may be
     * none, and the same as the last time. `more`: GANTRY_CONN_...
     *   GANTRY_NEXT  it is through; `*taken` of the bytes, 0 at first, are the filter's own
     *   GANTRY_WAIT  it has to see more; a refusal, unless `more` is GANTRY_CONN_OPEN
     *   GANTRY_FAIL  the connection is closed; nothing is logged
     * [worker] [running] */
    gantry_verdict_t (*run)(gantry_conn_t* conn, void* self, gantry_bytes_t bytes, uint32_t more,
                            uint32_t* taken) GANTRY_NOEXCEPT;
    void* self; /* lives until retire() */
} gantry_conn_filter_t;

typedef struct gantry_conn_1 {
    uint32_t size;

    /* `scope`: what configure_listener() was given. Without `before` and `after`, filters run in the order of the list
     * `modules` of the configuration. The strings are copied. [main] [loading] [borrow:call] */
    gantry_result_t (*add)(gantry_scope_t* scope, const gantry_conn_filter_t* filter) GANTRY_NOEXCEPT;

    /* ---- of a connection, in run(). [worker] [running] */

    gantry_bytes_t (*listener)(const gantry_conn_t* conn) GANTRY_NOEXCEPT; /* its name [borrow:call] */
    /* Who is there, and where it connected to; as the filters before have it. */
    void (*client)(const gantry_conn_t* conn, gantry_address_t* to) GANTRY_NOEXCEPT;
    void (*local)(const gantry_conn_t* conn, gantry_address_t* to) GANTRY_NOEXCEPT;
    /* From now on these are the addresses of the connection: in variables, logs, limits and forwarded fields. */
    gantry_result_t (*set_client)(gantry_conn_t* conn, const gantry_address_t* address) GANTRY_NOEXCEPT;
    gantry_result_t (*set_local)(gantry_conn_t* conn, const gantry_address_t* address) GANTRY_NOEXCEPT;

    /* The variable conn.NAME of all its requests, in the place of what it was. `name`: of a-z, 0-9, _, - and dots,
     * 64 bytes at most; `value`: without control bytes, 4 KiB at most. GANTRY_ERROR_STATE: it has 128 already. */
    gantry_result_t (*set_fact)(gantry_conn_t* conn, gantry_bytes_t name, gantry_bytes_t value)
        GANTRY_NOEXCEPT;
} gantry_conn_1_t;

GANTRY_END

#endif
