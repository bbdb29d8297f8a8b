/* gantry.fd/1: descriptors that a module brings along, watched by the loop of the thread that it is on. For libraries
 * with sockets of their own that do not block: hiredis, libpq, c-ares, the multi interface of libcurl.
 *
 *   [loading]  watcher = watcher(scope): in whose name this instance watches
 *   [worker]   watch(watcher, fd, &events, &watch), and from then on want_read(), want_write() and their opposites
 *   [worker]   on_readable and on_writable, again and again as long as the descriptor is, and that is wanted
 *   [worker]   stop(watch), before the descriptor is closed
 *
 * These are the hooks that hiredis asks for: addRead is want_read(), delRead stop_read(), addWrite want_write(),
 * delWrite stop_write(), cleanup is stop(), and scheduleTimer is after().
 *
 * A watch belongs to the thread on which it began, a worker or the main thread: there its functions are called, and
 * there it calls. Its number is a value, which may be kept too long: GANTRY_ERROR_STALE. A descriptor may be watched once
 * on a thread. Whoever wants to read or write is told of errors and of the end of the connection as well, by the same
 * function; the library then finds out what it is.
 *
 * Within a function that is called, everything may be done with this watch and with others: stop it, close its
 * descriptor, free what `state` points to. What was stopped is not called again, also where both have come to be at once.
 *
 * The descriptor stays the module's: gantry does not read from it, write to it, change its flags or close it. One that is
 * closed without a stop() is forgotten once its number is watched anew; until then it takes a place.
 *
 * What was not stopped ends by itself: before the instance is retired, on each thread where it watches, and where a
 * thread ends; on_end says so, and is where a library is told to let go. Nothing is called behind that, nor behind
 * retire(). Watches do not outlive a reload: the new instance begins its own. */
#ifndef GANTRY_EXT_FD_H
#define GANTRY_EXT_FD_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_FD_1 "gantry.fd/1"

#define GANTRY_WATCHES_MAX 10000u /* at a time, timers included, for each thread */

typedef struct gantry_watcher gantry_watcher_t; /* an instance that watches */

/* A descriptor that is watched, or a timer. {0, 0} is none. */
typedef struct gantry_watch {
    uint64_t place;
    uint64_t serial;
} gantry_watch_t;

/* What is called, on the thread of the watch. */
typedef struct gantry_fd_events {
    uint32_t size; /* sizeof(gantry_fd_events_t) */
    uint32_t unused;
    void* state;
    /* Something can be read, or there is an error, or the end. NULL: it never wants to read. */
    void (*on_readable)(void* state) GANTRY_NOEXCEPT;
    /* Something can be written, a connection is made, or there is an error. NULL: it never wants to write. */
    void (*on_writable)(void* state) GANTRY_NOEXCEPT;
    /* The watch is over, and not by stop(): the instance is about to be retired, or the thread ends. May be NULL. */
    void (*on_end)(void* state) GANTRY_NOEXCEPT;
} gantry_fd_events_t;

typedef struct gantry_fd_1 {
    uint32_t size;

    /* In whose name the instance watches that is prepared or configured by `scope`; the same one for all scopes of an
     * instance. [main] [loading] [borrow:instance] */
    gantry_watcher_t* (*watcher)(const gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* Begins, and wants nothing yet. `events` is copied. GANTRY_ERROR_ARGUMENT: `fd` is not open, or of a kind that is
     * always ready, as files and folders are; the log says which. GANTRY_ERROR_STATE: it is watched already, or on
     * another thread, or in gantry check; GANTRY_ERROR_LIMIT: more than GANTRY_WATCHES_MAX, or than the system allows;
     * GANTRY_ERROR_STALE: the instance is about to be retired. [worker] or [main] */
    gantry_result_t (*watch)(gantry_watcher_t* watcher, int32_t fd, const gantry_fd_events_t* events,
                             gantry_watch_t* watch) GANTRY_NOEXCEPT;

    /* Each may be called any number of times; what holds already costs nothing. None of them calls within itself.
     * GANTRY_ERROR_ARGUMENT: there is no function for it, or the descriptor was closed meanwhile; GANTRY_ERROR_STALE: the
     * watch is over; GANTRY_ERROR_STATE: it is of another thread. The thread of the watch. */
    gantry_result_t (*want_read)(const gantry_host_t* host, gantry_watch_t watch) GANTRY_NOEXCEPT;
    gantry_result_t (*stop_read)(const gantry_host_t* host, gantry_watch_t watch) GANTRY_NOEXCEPT;
    gantry_result_t (*want_write)(const gantry_host_t* host, gantry_watch_t watch) GANTRY_NOEXCEPT;
    gantry_result_t (*stop_write)(const gantry_host_t* host, gantry_watch_t watch) GANTRY_NOEXCEPT;

    /* Ends it, or takes a timer back: nothing of it is called any more, on_end neither. Errors as above. The thread of
     * the watch. */
    gantry_result_t (*stop)(const gantry_host_t* host, gantry_watch_t watch) GANTRY_NOEXCEPT;

    /* `run(state)` once, after `delay` nanoseconds, on this thread: the timers that such libraries want. It is over when
     * it is called. One that is left when the instance is about to be retired, or when the thread ends, is not called.
     * `watch` may be NULL. Errors as of watch(). [worker] or [main] */
    gantry_result_t (*after)(gantry_watcher_t* watcher, uint64_t delay, void* state,
                             void (*run)(void* state) GANTRY_NOEXCEPT, gantry_watch_t* watch) GANTRY_NOEXCEPT;
} gantry_fd_1_t;

GANTRY_END

#endif
