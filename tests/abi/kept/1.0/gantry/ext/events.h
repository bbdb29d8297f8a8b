/* gantry.events/1: what happened, told at least once to everyone who asked to be told.
 *
 *   [any]      publish(host, "container.started", "web-1", "{...}", &reply)
 *   [loading]  subscribe(scope, &subscription)
 *   [main]     deliver(self, event, delivery): GANTRY_DONE, or GANTRY_FAIL, or GANTRY_WAIT and later settle()
 *
 * An event has a type, FAMILY.NAME, which says what happened; a subject, which says to whom; and data, which is the
 * publisher's business, JSON as a rule. Events are kept by the store, so that they outlive a crash, and machines that
 * share a store share them. Of each family about the last 10,000 are kept, whoever has not had them yet.
 *
 * A subscription is known by the names of its module and its own, over reloads and restarts: it goes on where it was
 * left. Several processes of one name share the work; each event goes to one of them. It is delivered until the
 * subscriber says that it is done, so the same event may come more than once: handlers are idempotent. `id` stays the
 * same. What fails is delivered again after a while, twice as long each time, up to five minutes, while later events
 * are not held up. After so many attempts in vain it is put among the dead, with a line in the log.
 *
 * Types are of lower case letters, digits, `_`, `-` and dots: FAMILY begins with a letter, NAME may have dots.
 * gantry itself publishes these, with JSON, as long as anybody has subscribed to them:
 *   server.ready, server.reloaded {"generation"}, server.reload_refused {"error"}, server.stopping
 *   host.added, host.changed, host.removed, listener.…, upstream.… (the same)   subject: its name */
#ifndef GANTRY_EXT_EVENTS_H
#define GANTRY_EXT_EVENTS_H

#include "gantry/ext/store.h"

GANTRY_BEGIN

#define GANTRY_EVENTS_1 "gantry.events/1"

#define GANTRY_EVENT_TYPE_MAX 128u
#define GANTRY_EVENT_SUBJECT_MAX 512u
#define GANTRY_EVENT_DATA_MAX 262144u

/* [borrow:call] */
typedef struct gantry_event {
    uint32_t size;    /* of this struct */
    uint32_t attempt; /* 1: for the first time */
    uint64_t id;      /* rises within a family */
    uint64_t time;    /* nanoseconds since 1970: published at */
    gantry_bytes_t type;
    gantry_bytes_t subject; /* may be empty */
    gantry_bytes_t source;  /* the module that published it, or "gantry" */
    gantry_bytes_t data;
} gantry_event_t;

/* One delivery that waits for settle(). A value. */
typedef struct gantry_delivery {
    uint64_t place;
    uint64_t serial;
} gantry_delivery_t;

/* At first also events that were published before this subscription was there for the first time. */
#define GANTRY_EVENTS_FROM_OLDEST 1u

typedef struct gantry_subscription {
    uint32_t size;  /* sizeof(gantry_subscription_t) */
    uint32_t flags; /* GANTRY_EVENTS_…; 0 */
    const char*
        name; /* unlike that of any other subscription of this module: letters, digits, `_`, `-`, 64 at most */
    const char*
        types; /* "container.*, host.changed": with commas between; `*` stands for all names of a family */
    /* GANTRY_DONE: it is done. GANTRY_WAIT: settle() will say so, from any thread. Anything else: again later. Called
     * on the main thread, which it must not hold up, from when the generation serves until a later one does, and never
     * within a function of the host. [main] [running] */
    gantry_verdict_t (*deliver)(void* self, const gantry_event_t* event, gantry_delivery_t delivery)
        GANTRY_NOEXCEPT;
    void* self;        /* lives until retire() */
    uint64_t lease;    /* nanoseconds for settle(), then it failed; 0: 30 s */
    uint64_t retry;    /* nanoseconds until the second attempt, to the second; 0: 1 s */
    uint32_t attempts; /* 0: 10 */
    uint32_t
        at_a_time; /* that wait for settle() of each family, 1000 at the most; 0: 1, so that they come in order */
} gantry_subscription_t;

typedef struct gantry_events_1 {
    uint32_t size;

    /* Where it returns GANTRY_OK, `reply` is told of it as of an append() of the store, with the id of the event; NULL:
     * whether it was kept does not matter. All bytes are copied. GANTRY_ERROR_ARGUMENT: a type that is none, something
     * is too long, or `subject` has control bytes. Else as functions of gantry.store/1. [any] */
    gantry_result_t (*publish)(const gantry_host_t* host, gantry_bytes_t type, gantry_bytes_t subject,
                               gantry_bytes_t data, const gantry_store_reply_t* reply) GANTRY_NOEXCEPT;

    /* In prepare(), from then on until the instance is retired. The strings are copied. GANTRY_ERROR_ARGUMENT: a name
     * or types that are none, which is a mistake of the module's: the load fails, and says so; GANTRY_ERROR_LIMIT: the
     * same name twice. [main] [loading] [borrow:call] */
    gantry_result_t (*subscribe)(gantry_scope_t* scope, const gantry_subscription_t* subscription)
        GANTRY_NOEXCEPT;

    /* What became of an event whose deliver() returned GANTRY_WAIT; may be called before that returns. A delivery that
     * is settled, or whose lease is over, is left alone. [any] */
    gantry_result_t (*settle)(const gantry_host_t* host, gantry_delivery_t delivery, bool is_done)
        GANTRY_NOEXCEPT;
} gantry_events_1_t;

GANTRY_END

#endif
