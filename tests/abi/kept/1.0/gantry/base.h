/* The few types that all of the SDK is made of. Valid C11 and C++17, without a library. */
#ifndef GANTRY_BASE_H
#define GANTRY_BASE_H

#include "gantry/threads.h"
#include "gantry/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
/* From C++17 on it is a part of the type: a callback that may throw does not compile. */
#define GANTRY_NOEXCEPT noexcept
#define GANTRY_BEGIN extern "C" {
#define GANTRY_END }
#else
#define GANTRY_NOEXCEPT
#define GANTRY_BEGIN
#define GANTRY_END
#endif

GANTRY_BEGIN

/* Any bytes, also NUL; no NUL at the end. `data` may be NULL where `size` is 0. */
typedef struct gantry_bytes {
    const char* data;
    size_t size;
} gantry_bytes_t;

/* Of a literal: GANTRY_BYTES("text"). */
#if defined(__cplusplus)
#define GANTRY_BYTES(literal) (gantry_bytes_t{"" literal, sizeof(literal) - 1})
#else
#define GANTRY_BYTES(literal) ((gantry_bytes_t){"" literal, sizeof(literal) - 1})
#endif

/* One end of a connection. */
typedef struct gantry_address {
    uint8_t ip[16]; /* IPv4 as ::ffff:192.0.2.1 */
    uint16_t port;
    uint8_t family; /* 4, 6; 0: a unix socket, which has neither */
    uint8_t unused[5];
} gantry_address_t;

/* What a hook answers. Not a status: that is set on the exchange. A number that is none of these counts as
 * GANTRY_FAIL. */
typedef int32_t gantry_verdict_t;
/* Not mine, or nothing to object: the next hook is asked. */
#define GANTRY_NEXT ((gantry_verdict_t)0)
/* The exchange is answered; no further hook of these phases is asked. */
#define GANTRY_DONE ((gantry_verdict_t)1)
/* suspend() was called: asleep until the ticket is resumed. */
#define GANTRY_WAIT ((gantry_verdict_t)2)
/* Cannot go on: 500, unless fail() was called with a better status. */
#define GANTRY_FAIL ((gantry_verdict_t)3)
/* Of resume() only: ask the hook that waited once more. */
#define GANTRY_AGAIN ((gantry_verdict_t)4)

/* How a function of the host went. */
typedef int32_t gantry_result_t;
#define GANTRY_OK ((gantry_result_t)0)
/* Not what the function takes; the log of a debug build says why. */
#define GANTRY_ERROR_ARGUMENT (-(gantry_result_t)1)
/* Too late, too early, or on the wrong thread. */
#define GANTRY_ERROR_STATE (-(gantry_result_t)2)
/* More than there may be. */
#define GANTRY_ERROR_LIMIT (-(gantry_result_t)3)
/* What it is for is gone, or was done already. */
#define GANTRY_ERROR_STALE (-(gantry_result_t)4)

/* Whether `table`, which may be NULL or of an older gantry, has `member`. */
#define GANTRY_HAS(table, member)                                                                     \
    ((table) != NULL &&                                                                               \
     (size_t)((const char*)(&(table)->member + 1) - (const char*)(table)) <= (size_t)(table)->size && \
     (table)->member != NULL)

/* What the host keeps behind these is its own business. */
typedef struct gantry_host gantry_host_t;
typedef struct gantry_generation gantry_generation_t; /* one load of the configuration */
typedef struct gantry_scope gantry_scope_t;           /* a place in it where keys of modules stand */
typedef struct gantry_value gantry_value_t;           /* the value of a key */
typedef struct gantry_exchange gantry_exchange_t;     /* one request and its response */

GANTRY_END

#endif
