/* gantry.client/1: requests of a module's own, to other servers, over the connections that gantry keeps to them.
 *
 *   [loading]  target = target(scope, value, url, options): whom requests go to; what is wrong with it fails the load
 *   [worker]   request(host, &request, &events, &fetch): begins, and returns at once
 *   [worker]   on_head and on_body where the answer is streamed, and on_end exactly once
 *
 * A fetch is a request under way; its number is a value, which may be kept too long: what it is for may be over, and
 * then is refused with GANTRY_ERROR_STALE. It belongs to the worker on which it began, and is used nowhere else. On
 * the main thread fetches begin as well; they go by way of a worker, are collected, and end on the main thread.
 *
 * on_end comes exactly once for each request() that returned GANTRY_OK, never within that call, and on the same thread;
 * where gantry ends, on any thread, before close(). It is the one place for cleaning up: within cancel() as well.
 *
 * HTTP/1.1 is spoken. Redirects are not followed, nothing is decompressed, no cookies are kept. What is not HTTP is an
 * error, as is what has no proper end. A request that cannot have been seen is sent again by itself: to the next peer
 * of an upstream where one cannot be reached, once more where a kept connection was closed meanwhile (then only
 * methods that are idempotent), never once a part of a streamed body was taken.
 *
 * Memory: a fetch is recycled by its worker, with 4 KiB for both heads and 64 KiB for a collected body; only what is
 * larger takes from the heap. On the main thread everything is copied, to the heap. */
#ifndef GANTRY_EXT_CLIENT_H
#define GANTRY_EXT_CLIENT_H

#include "gantry/ext/async.h"

GANTRY_BEGIN

#define GANTRY_CLIENT_1 "gantry.client/1"

#define GANTRY_FETCHES_MAX 10000u       /* under way at a time, for each worker */
#define GANTRY_FETCH_HEAD_MAX 65536u    /* bytes of the request line and all fields */
#define GANTRY_FETCH_BODY_MAX 67108864u /* bytes of a body that is given whole; larger ones are streamed */
#define GANTRY_FETCH_COLLECTED_USUAL \
    1048576u /* largest_body where that is 0, of an answer that is collected */

typedef struct gantry_target gantry_target_t; /* whom requests go to */

/* A request under way. {0, 0} is none. */
typedef struct gantry_fetch {
    uint64_t place;
    uint64_t serial;
} gantry_fetch_t;

typedef struct gantry_field {
    gantry_bytes_t name;
    gantry_bytes_t value;
} gantry_field_t;

/* How a fetch ended. What is not known here is a failure of a kind that came later. */
typedef int32_t gantry_fetch_end_t;
#define GANTRY_FETCHED ((gantry_fetch_end_t)0) /* the answer is whole, whatever its status is */
#define GANTRY_FETCH_NOT_CONNECTED \
    ((gantry_fetch_end_t)1) /* refused, not reached, or its certificate not trusted */
#define GANTRY_FETCH_NO_PEER ((gantry_fetch_end_t)2)    /* no address, or no peer that may be tried */
#define GANTRY_FETCH_TIMED_OUT ((gantry_fetch_end_t)3)  /* `reason` says which deadline */
#define GANTRY_FETCH_TOO_LARGE ((gantry_fetch_end_t)4)  /* the body is larger than largest_body */
#define GANTRY_FETCH_CUT_OFF ((gantry_fetch_end_t)5)    /* the connection ended before the answer did */
#define GANTRY_FETCH_BAD_ANSWER ((gantry_fetch_end_t)6) /* what came is not HTTP */
#define GANTRY_FETCH_CANCELLED ((gantry_fetch_end_t)7)  /* by cancel(), or because gantry ends */

/* ---- whom to ask */

#define GANTRY_TARGET_UNVERIFIED 1u /* https: whoever answers is believed. For tests */

/* Of a URL; for an upstream of the configuration its own settings hold, and all but `host` is refused. */
typedef struct gantry_target_options {
    uint32_t size;
    uint32_t flags;             /* GANTRY_TARGET_… */
    gantry_bytes_t ca_file;     /* https: whom to trust, as PEM; empty: whom the system trusts */
    gantry_bytes_t server_name; /* https: for SNI, and the name in the certificate; empty: that of the URL */
    gantry_bytes_t host;        /* of the field Host; empty: that of the URL */
    uint64_t connect_timeout;   /* nanoseconds; 0: 5 s */
    uint32_t keep;              /* idle connections that each worker keeps; 0: 64 */
    uint32_t unused;
} gantry_target_options_t;

/* ---- what is asked */

#define GANTRY_FETCH_STREAMED_BODY 1u /* the body of the request comes by write() and finish() */

/* Bytes are copied. Times are nanoseconds, to the tenth of a second. */
typedef struct gantry_client_request {
    uint32_t size;
    uint32_t flags; /* GANTRY_FETCH_… */
    const gantry_target_t* target;
    gantry_bytes_t method; /* empty: GET. CONNECT is refused */
    gantry_bytes_t
        path; /* "/a?b=c", in ASCII, with what is not allowed there encoded; empty: that of the target */
    gantry_bytes_t host; /* of the field Host; empty: that of the target */
    /* Names are tokens, values have no control bytes. Refused: Host, Expect, and what belongs to the connection
     * (Content-Length, Transfer-Encoding, Connection, Keep-Alive, TE, Trailer, Upgrade, Proxy-Connection). */
    const gantry_field_t* fields;
    uint32_t field_count;
    uint32_t unused;
    gantry_bytes_t body;
    uint64_t body_size; /* of a streamed body; UINT64_MAX: not known yet, it is sent in chunks */
    uint64_t
        largest_body; /* of the answer; 0: 1 MiB where it is collected, and without end where it is streamed */
    uint64_t connect_timeout; /* for each peer, TLS included; 0: as the target has it */
    uint64_t
        head_timeout; /* from when the request is sent to the whole head of the answer; 0: as idle_timeout */
    uint64_t
        idle_timeout; /* without a byte of the answer, while it is not paused; 0: as the target has it, 60 s */
    uint64_t
        timeout; /* for all of it; 0: 60 s where the answer is collected, and without end where it is streamed */
} gantry_client_request_t;

/* ---- what is answered */

typedef struct gantry_client_answer {
    uint32_t size; /* of this struct */
    gantry_fetch_end_t end;
    int32_t status;       /* 200 to 599; 0: no head came */
    uint32_t field_count; /* as far as they came; those of the connection are among them */
    const gantry_field_t* fields;
    gantry_bytes_t body;   /* where it is collected and whole */
    gantry_bytes_t reason; /* for logs: "connect failed: Connection refused while connecting to the peer" */
    gantry_bytes_t peer;   /* who was asked last: "127.0.0.1:3000"; empty: nobody */
} gantry_client_answer_t;

/* What is called, on the worker of the fetch (on the main thread: on_end alone). `answer` and what it points to are
 * [borrow:call]. Where `ticket` is that of an exchange that sleeps, it does not end while one of these runs, so
 * that it may be answered there; these are called also where the ticket is stale by then: cancel() in drop(). */
typedef struct gantry_client_events {
    uint32_t size;
    uint32_t unused;
    gantry_ticket_t ticket; /* {0, 0}: for no exchange */
    void* state;
    void (*on_end)(void* state, const gantry_client_answer_t* answer) GANTRY_NOEXCEPT;
    /* The head is there; once, if it comes. May be NULL. */
    void (*on_head)(void* state, const gantry_client_answer_t* answer) GANTRY_NOEXCEPT;
    /* A piece of the body. NULL: it is collected, for on_end. */
    void (*on_body)(void* state, gantry_bytes_t data) GANTRY_NOEXCEPT;
    /* There is room for write(), after it was refused. May be NULL. */
    void (*on_writable)(void* state) GANTRY_NOEXCEPT;
} gantry_client_events_t;

typedef struct gantry_client_1 {
    uint32_t size;

    /* Whom requests go to, by `url`:
     *   "http://HOST:PORT/PATH", "https://HOST:PORT/PATH"   the port may be missing, and so may the path
     *   "http+unix:///run/app.sock:/PATH"                   a unix socket
     *   "upstream:NAME/PATH"                                an upstream of the configuration, as the proxy uses it
     * The path may have a query, and is what is asked for where a request names none. `value` is where it stands in
     * the configuration, NULL: in `scope`; NULL is returned, and an error with that place was added, for a URL that
     * is none, a CA that cannot be read, an upstream that does not exist. `options` may be NULL.
     * [main] [loading] [borrow:instance] */
    const gantry_target_t* (*target)(const gantry_scope_t* scope, const gantry_value_t* value,
                                     gantry_bytes_t url, const gantry_target_options_t* options)
        GANTRY_NOEXCEPT;

    /* Begins. GANTRY_ERROR_ARGUMENT: something of it is refused, and the log says what; GANTRY_ERROR_LIMIT: too much
     * is under way, or it is too large; GANTRY_ERROR_STATE: no requests are sent here (gantry check, before the
     * first commit), on another thread, or a stream on the main thread; GANTRY_ERROR_STALE: `ticket` is. `fetch` may
     * be NULL. [worker] or [main], [running] */
    gantry_result_t (*request)(const gantry_host_t* host, const gantry_client_request_t* request,
                               const gantry_client_events_t* events, gantry_fetch_t* fetch) GANTRY_NOEXCEPT;

    /* Gives up; its connection is closed. on_end comes within this call, with GANTRY_FETCH_CANCELLED. The same thread
     * as request(). */
    gantry_result_t (*cancel)(const gantry_host_t* host, gantry_fetch_t fetch) GANTRY_NOEXCEPT;

    /* A piece of the body of the request, which is copied. GANTRY_ERROR_LIMIT: no room now, as it is not connected
     * or 256 KiB wait to be sent; on_writable says when. GANTRY_ERROR_ARGUMENT: more than body_size. [worker] */
    gantry_result_t (*write)(const gantry_host_t* host, gantry_fetch_t fetch, gantry_bytes_t data)
        GANTRY_NOEXCEPT;
    /* Its end. GANTRY_ERROR_ARGUMENT: less than body_size came. [worker] */
    gantry_result_t (*finish)(const gantry_host_t* host, gantry_fetch_t fetch) GANTRY_NOEXCEPT;

    /* No more of a streamed answer for now, but for what was received already: 64 KiB, and the end. [worker] */
    gantry_result_t (*pause)(const gantry_host_t* host, gantry_fetch_t fetch) GANTRY_NOEXCEPT;
    /* [worker] */
    gantry_result_t (*resume)(const gantry_host_t* host, gantry_fetch_t fetch) GANTRY_NOEXCEPT;
} gantry_client_1_t;

GANTRY_END

#endif
