/* gantry.store/1: what outlives a reload, a crash and a restart: values under keys, counters in windows of time, and
 * streams that are delivered at least once. One file of this machine keeps it, or what all machines share.
 *
 * Every module has keys, streams and groups of its own; none sees those of another. Names have 1 to 512 bytes, any;
 * a value has 1 MiB at the most. Secrets are stored hashed, or not at all.
 *
 * A call asks for something, and never waits. Where it returns GANTRY_OK, `done` of its reply is called exactly once:
 * on the worker of the ticket, also where that is stale by then, which exchange_of() tells; with the ticket {0, 0} on
 * the main thread; when gantry ends, on any thread, before close(). GANTRY_ERROR_LIMIT: too much waits already.
 * GANTRY_ERROR_STATE: there is no store here, as in gantry check. GANTRY_ERROR_ARGUMENT: a name or a value is too long.
 * All bytes are copied. What one thread asks for is done in its order. When an answer comes, what it says was changed
 * is kept for good. */
#ifndef GANTRY_EXT_STORE_H
#define GANTRY_EXT_STORE_H

#include "gantry/ext/async.h"

GANTRY_BEGIN

#define GANTRY_STORE_1 "gantry.store/1"

#define GANTRY_STORE_NAME_MAX 512u
#define GANTRY_STORE_VALUE_MAX 1048576u
#define GANTRY_STORE_ENTRIES_MAX 1000u /* in one answer, which has 4 MiB of values at the most */

typedef int32_t gantry_outcome_t;
#define GANTRY_STORED ((gantry_outcome_t)0) /* done */
#define GANTRY_ABSENT ((gantry_outcome_t)1) /* there is nothing of that name */
#define GANTRY_CONFLICT \
    ((gantry_outcome_t)2)                 /* it is not the version that was expected: `version`, 0 = none */
#define GANTRY_FULL ((gantry_outcome_t)3) /* no room; nothing was changed */
#define GANTRY_UNAVAILABLE ((gantry_outcome_t)4) /* the log of gantry says why; nothing was changed */

typedef struct gantry_store_entry {
    gantry_bytes_t key; /* of a value; empty in a stream */
    gantry_bytes_t value;
    uint64_t version;  /* of a value; never 0, and never the same again */
    uint64_t id;       /* in a stream: rises */
    uint64_t time;     /* nanoseconds since 1970: appended at; of a value: ends at, 0 = never */
    uint32_t attempts; /* in a stream: how often this group was given it, this time as well */
    uint32_t unused;
} gantry_store_entry_t;

typedef struct gantry_store_answer {
    uint32_t size; /* of this struct */
    gantry_outcome_t outcome;
    uint64_t version;     /* get, put */
    uint64_t id;          /* append */
    int64_t count;        /* add: of this window; erase, acknowledge, reject: how many there were */
    int64_t previous;     /* add: of the window before */
    uint64_t into_window; /* add: nanoseconds since this window began */
    const gantry_store_entry_t* entries; /* get (one), list, read, claim, dead [borrow:call] */
    size_t entry_count;
} gantry_store_answer_t;

typedef struct gantry_store_reply {
    gantry_ticket_t ticket;
    void* state;
    void (*done)(void* state, const gantry_store_answer_t* answer) GANTRY_NOEXCEPT;
} gantry_store_reply_t;

/* For `expected`: whatever is there. 0: only where there is nothing. */
#define GANTRY_ANY_VERSION UINT64_MAX

typedef struct gantry_store_1 {
    uint32_t size;

    /* ---- values */

    /* [any] */
    gantry_result_t (*get)(const gantry_host_t* host, gantry_bytes_t key,
                           const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* For `lifetime` nanoseconds, whole milliseconds of it, by the clock on the wall; 0: until it is erased. `expected`
     * makes it compare-and-set. [any] */
    gantry_result_t (*put)(const gantry_host_t* host, gantry_bytes_t key, gantry_bytes_t value,
                           uint64_t lifetime, uint64_t expected, const gantry_store_reply_t* reply)
        GANTRY_NOEXCEPT;
    /* [any] */
    gantry_result_t (*erase)(const gantry_host_t* host, gantry_bytes_t key, uint64_t expected,
                             const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* Those whose key begins with `prefix`, which may be empty, behind the key `after`, which may be empty, in the order
     * of their bytes. The last key of an answer leads to the next one; an empty answer is the end. [any] */
    gantry_result_t (*list)(const gantry_host_t* host, gantry_bytes_t prefix, gantry_bytes_t after,
                            uint32_t limit, const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;

    /* ---- counters */

    /* Adds `amount`, which may be negative, or 0 to look only. A window of that many nanoseconds (whole milliseconds)
     * begins at a multiple of it; 0: one that never ends. An estimate that slides:
     * count + previous * (1 - into_window / window). [any] */
    gantry_result_t (*add)(const gantry_host_t* host, gantry_bytes_t key, int64_t amount, uint64_t window,
                           const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;

    /* ---- streams */

    /* At the end of a stream, of which about the last `keep` entries are kept, whoever has not read them; 0: all.
     * [any] */
    gantry_result_t (*append)(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t value,
                              uint64_t keep, const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* Behind the entry `after`, 0: from the oldest on; beside all groups. [any] */
    gantry_result_t (*read)(const gantry_host_t* host, gantry_bytes_t stream, uint64_t after, uint32_t limit,
                            const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* Entries for one consumer of a group, for `lease` nanoseconds: those whose lease ran out, then new ones. A group
     * begins with its first claim, at the oldest entry. What was given to it `attempts` times (0: without end) in vain
     * is put among the dead. [any] */
    gantry_result_t (*claim)(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                             uint32_t limit, uint64_t lease, uint32_t attempts,
                             const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* The group is done with these, 1000 at the most; dead ones are forgotten. [any] */
    gantry_result_t (*acknowledge)(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                                   const uint64_t* ids, uint32_t count,
                                   const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* The group could not do it: it is claimed again, not before `delay` nanoseconds are over. A dead one begins
     * anew. [any] */
    gantry_result_t (*reject)(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                              uint64_t id, uint64_t delay, const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;
    /* The dead of a group, behind `after`. [any] */
    gantry_result_t (*dead)(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                            uint64_t after, uint32_t limit, const gantry_store_reply_t* reply)
        GANTRY_NOEXCEPT;
} gantry_store_1_t;

GANTRY_END

#endif
