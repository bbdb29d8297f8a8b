/* gantry.http/1: the request and the response of an exchange.
 *
 * Everything here is [worker] [running], for an exchange that is not over. Bytes that are returned are
 * [borrow:exchange], but for those of a field: until that field is changed. Bytes that are given are copied.
 *
 * Names of fields have no case. Values that are read are as they were received, without blanks around them.
 * Values that are written are checked: control bytes are refused with GANTRY_ERROR_ARGUMENT, and so are the
 * fields that belong to the connection (Content-Length, Transfer-Encoding, Connection, Upgrade and their
 * like). */
#ifndef GANTRY_EXT_HTTP_H
#define GANTRY_EXT_HTTP_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_HTTP_1 "gantry.http/1"

/* Which message is meant. */
#define GANTRY_REQUEST 0u
#define GANTRY_RESPONSE 1u

/* The body of the request, as it comes; on_end once, unless the exchange ends before. A hook that has to see
 * the body before it answers returns GANTRY_DONE, and answers in on_end. [worker] [running] */
typedef struct gantry_body_reader {
    uint32_t size;
    uint32_t unused;
    void (*on_data)(gantry_exchange_t* exchange, void* self, gantry_bytes_t data) GANTRY_NOEXCEPT;
    void (*on_end)(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
    void* self;
} gantry_body_reader_t;

typedef struct gantry_http_1 {
    uint32_t size;

    /* ---- the request */

    gantry_bytes_t (*method)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT; /* "GET" */
    gantry_bytes_t (*target)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT; /* as received: "/a%20b?c" */
    gantry_bytes_t (*path)(const gantry_exchange_t* exchange)
        GANTRY_NOEXCEPT;   /* in normal form, decoded: "/a b" */
    gantry_bytes_t (*query)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;  /* without ?; as received */
    gantry_bytes_t (*host)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;   /* asked for, without port */
    gantry_bytes_t (*scheme)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT; /* "http", "https" */
    gantry_bytes_t (*protocol)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT; /* "HTTP/1.1" */
    gantry_bytes_t (*client)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;   /* address: "192.0.2.1" */

    /* The value of any variable of the configuration, by its name: "request_id", "query.page", "tls_version".
     * Empty where there is none of that name. Searching for the name costs: in a hook that always runs,
     * prefer a key of type GANTRY_TYPE_TEMPLATE and evaluate(). */
    gantry_bytes_t (*variable)(gantry_exchange_t* exchange, gantry_bytes_t name) GANTRY_NOEXCEPT;

    /* A text with its variables filled in. `value` is of a key of type GANTRY_TYPE_TEMPLATE, of an instance
     * that is not retired. */
    gantry_bytes_t (*evaluate)(gantry_exchange_t* exchange, const gantry_value_t* value) GANTRY_NOEXCEPT;

    /* What is looked for and proxied from now on, in normal form; routing is not repeated. Before the content
     * phase. */
    gantry_result_t (*set_path)(gantry_exchange_t* exchange, gantry_bytes_t path) GANTRY_NOEXCEPT;

    /* From now on the body comes to `reader`, which is copied; at most the max_body of the location, else 413
     * is answered by the host. Once, and by whoever answers: the proxy reads it as well. `reader->self` lives
     * until the exchange is over. */
    gantry_result_t (*read_body)(gantry_exchange_t* exchange, const gantry_body_reader_t* reader)
        GANTRY_NOEXCEPT;

    /* ---- fields of the request or of the response: GANTRY_REQUEST, GANTRY_RESPONSE */

    /* The first one of that name; false: there is none, and `*value` is empty. */
    bool (*field)(const gantry_exchange_t* exchange, uint32_t message, gantry_bytes_t name,
                  gantry_bytes_t* value) GANTRY_NOEXCEPT;
    /* All of them by number, in their order; false: there are fewer. */
    bool (*field_at)(const gantry_exchange_t* exchange, uint32_t message, uint32_t index,
                     gantry_bytes_t* name, gantry_bytes_t* value) GANTRY_NOEXCEPT;
    /* In the place of all of that name. Response fields: until the head is sent. Of a request, what comes behind its
     * body under that name is not passed on then, and the same goes for remove_field(), also where there was none. */
    gantry_result_t (*set_field)(gantry_exchange_t* exchange, uint32_t message, gantry_bytes_t name,
                                 gantry_bytes_t value) GANTRY_NOEXCEPT;
    /* After those that are there. */
    gantry_result_t (*add_field)(gantry_exchange_t* exchange, uint32_t message, gantry_bytes_t name,
                                 gantry_bytes_t value) GANTRY_NOEXCEPT;
    /* All of that name; none is fine as well. Of "Server" in a response: gantry adds none of its own either. */
    gantry_result_t (*remove_field)(gantry_exchange_t* exchange, uint32_t message,
                                    gantry_bytes_t name) GANTRY_NOEXCEPT;

    /* ---- the response */

    /* 200 at first. */
    int32_t (*status)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;
    /* 200 to 599. */
    gantry_result_t (*set_status)(gantry_exchange_t* exchange, int32_t status) GANTRY_NOEXCEPT;
    bool (*is_head_sent)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;

    /* The whole response: status and fields as they were set, and this body. Return GANTRY_DONE. */
    gantry_result_t (*respond)(gantry_exchange_t* exchange, gantry_bytes_t body) GANTRY_NOEXCEPT;
    /* The error page of `status` (400 to 599), as the configuration has it for this place: without the fields that
     * were set so far, so that what is to stand on it too is for a header filter. Cuts a response whose head was
     * sent. `reason` is for the error log, empty: the client's own doing, not worth a line.
     * Return GANTRY_DONE. */
    gantry_result_t (*fail)(gantry_exchange_t* exchange, int32_t status, gantry_bytes_t reason)
        GANTRY_NOEXCEPT;

    /* Or in pieces: the head; the body; its end. `size` is the size of the body, UINT64_MAX: not known yet. A
     * body that does not come to its size cuts the connection. */
    gantry_result_t (*send_head)(gantry_exchange_t* exchange, uint64_t size) GANTRY_NOEXCEPT;
    gantry_result_t (*send_body)(gantry_exchange_t* exchange, gantry_bytes_t data) GANTRY_NOEXCEPT;
    gantry_result_t (*finish)(gantry_exchange_t* exchange) GANTRY_NOEXCEPT;
    /* More is queued than the client takes at the moment: wait for on_drained before more is sent, or memory
     * grows. */
    bool (*is_congested)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;

    /* For whoever sends a response in pieces after its hook returned GANTRY_DONE: on_drained(state) when the
     * client took what was queued, on_end(state) once when the exchange is over, however it ends; the
     * exchange must not be used in on_end. `on_drained` may be NULL. */
    gantry_result_t (*watch)(gantry_exchange_t* exchange, void* state,
                             void (*on_drained)(gantry_exchange_t* exchange, void* state) GANTRY_NOEXCEPT,
                             void (*on_end)(void* state) GANTRY_NOEXCEPT) GANTRY_NOEXCEPT;

    /* ---- memory */

    /* `size` bytes aligned for anything, that are the exchange's: freed with it. NULL: more than 1 MiB was
     * asked for. [borrow:exchange] */
    void* (*allocate)(gantry_exchange_t* exchange, size_t size)GANTRY_NOEXCEPT;
    /* What this module's instance left on the exchange, NULL at first: for the way from one hook to
     * another. */
    void* (*note)(const gantry_exchange_t* exchange, const void* key)GANTRY_NOEXCEPT;
    /* `key`: an address of the module's own, of an instance for example. 8 notes at most. */
    gantry_result_t (*set_note)(gantry_exchange_t* exchange, const void* key, void* value) GANTRY_NOEXCEPT;

    /* ---- the response, in a header filter and from then on */

    /* Bytes of its body, as whoever answers has said; UINT64_MAX: not known yet; 0: it has none. Of an answer to
     * HEAD: what GET would have got. Before the filters of bodies. */
    uint64_t (*body_size)(const gantry_exchange_t* exchange) GANTRY_NOEXCEPT;

    /* ---- the connection */

    /* Who is there, and what they connected to, as filters of connections have left it. Either may be NULL. */
    void (*addresses)(const gantry_exchange_t* exchange, gantry_address_t* client,
                      gantry_address_t* local) GANTRY_NOEXCEPT;

    /* ---- the body of the request, while a reader of this module reads it */

    /* The reader takes no more for now: neither on_data nor on_end is called, and the client has to wait when what
     * lies between is full. That it waits is not held against it: no deadline runs. Twice does no harm. A reader
     * that never goes on has to answer: what was not read is thrown away then.
     * GANTRY_ERROR_STATE: no reader of a module reads. */
    gantry_result_t (*pause_body)(gantry_exchange_t* exchange) GANTRY_NOEXCEPT;
    /* And goes on; nothing of it is called within this call. GANTRY_ERROR_STATE: as above. */
    gantry_result_t (*resume_body)(gantry_exchange_t* exchange) GANTRY_NOEXCEPT;
} gantry_http_1_t;

GANTRY_END

#endif
