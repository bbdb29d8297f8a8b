/* gantry.metrics/1: numbers that a module counts for whoever watches gantry, and reading all that is counted.
 *
 *   [main]  declare()   what is counted, once: "refusals", with its labels
 *   [any]   series()    one of its series, for values of the labels, held until release()
 *   [any]   add(), set(), observe()
 *
 * A series lives over reloads: whoever asks for the same values gets the same one, with what was counted. One
 * that nobody holds is forgotten after a quarter of an hour. So hold those of a location as long as its instance.
 *
 * The three functions that count take no lock and wait for nothing; on a worker they cost an addition. Numbers
 * are integers here: times in nanoseconds, sizes in bytes. */
#ifndef GANTRY_EXT_METRICS_H
#define GANTRY_EXT_METRICS_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_METRICS_1 "gantry.metrics/1"

#define GANTRY_COUNTER 1u   /* only grows: add() */
#define GANTRY_GAUGE 2u     /* a level: either add(), also less than 0, or set() */
#define GANTRY_HISTOGRAM 3u /* how values are spread: observe() */

/* A series; 0: none. What is counted in none is lost, and does no harm. */
typedef uint64_t gantry_series_t;

/* What is counted. All of it is copied. */
typedef struct gantry_metric {
    uint32_t size; /* sizeof(gantry_metric_t) */
    uint32_t type;
    /* "refusals": [a-z_][a-z0-9_]*, 64 at most, without its unit and without "_total". It is shown as
     * gantry_MODULE_refusals. NUL-terminated, like all texts here. */
    const char* name;
    const char* unit; /* "seconds", "bytes": of what is shown, a part of its name; NULL: none */
    const char* help; /* a sentence; not NULL */
    /* Names of labels like that of a metric, 8 at most, NULL at the end; NULL: none. */
    const char* const* labels;
    /* So many of what is counted are one unit, a power of ten: 1,000,000,000 for nanoseconds and "seconds".
     * 0: 1. */
    uint64_t per_unit;
    /* Series that there may be; 0: 1,000. Whoever asks for more gets one for all others, whose labels say
     * "other", and gantry_metric_overflows_total counts how often that was. Values of labels that clients
     * choose need this, and still better not to be. */
    uint32_t most_series;
    /* Of a histogram: the largest value of each bucket but the last, ascending, 126 at most. 0: as follows. */
    uint32_t bound_count;
    const uint64_t* bounds;
    /* From `least` to at least `most`, each doubling cut into `steps` equal parts: 10, 40, 2 is 10, 15, 20,
     * 30, 40. */
    uint64_t least;
    uint64_t most;
    uint32_t steps;
    uint32_t unused;
} gantry_metric_t;

/* ---- what is read: of all modules and of gantry itself. Everything is [borrow:call]. */

typedef struct gantry_metric_view {
    uint32_t size;
    uint32_t type;
    gantry_bytes_t name; /* whole, with its unit, without "_total": "gantry_teapot_pours" */
    gantry_bytes_t unit;
    gantry_bytes_t help;
    uint64_t per_unit; /* what is shown is divided by this */
    const uint64_t* bounds;
    uint32_t bound_count;
    uint32_t unused;
} gantry_metric_view_t;

typedef struct gantry_sample {
    uint32_t size;
    uint32_t label_count;
    const gantry_bytes_t* labels; /* their names */
    const gantry_bytes_t* values; /* as many; any bytes */
    int64_t value;                /* of a counter, of a gauge */
    const uint64_t* buckets;      /* of a histogram: bound_count + 1 of them, each for itself */
    uint64_t sum;                 /* of all values that a histogram saw */
} gantry_sample_t;

/* Called by walk(), on its thread. */
typedef struct gantry_metric_visitor {
    uint32_t size; /* sizeof(gantry_metric_visitor_t) */
    uint32_t unused;
    void (*on_metric)(void* state, const gantry_metric_view_t* metric) GANTRY_NOEXCEPT;
    /* Of the metric that was shown last. */
    void (*on_sample)(void* state, const gantry_sample_t* sample) GANTRY_NOEXCEPT;
} gantry_metric_visitor_t;

typedef struct gantry_walk gantry_walk_t; /* where a reader has got to */

typedef struct gantry_metrics_1 {
    uint32_t size;

    /* Once for each metric; the same again gives the same number. GANTRY_ERROR_ARGUMENT: the log says what is
     * wrong. In open() or prepare(). [main] [loading] */
    gantry_result_t (*declare)(const gantry_host_t* host, const gantry_metric_t* metric,
                               uint32_t* number) GANTRY_NOEXCEPT;

    /* `values`: one for each label, copied. Takes a lock for a moment: not for each request. Each call needs
     * its release(). GANTRY_ERROR_LIMIT: there is no memory for it; `*series` is 0 where it is not
     * GANTRY_OK. [any] */
    gantry_result_t (*series)(const gantry_host_t* host, uint32_t number, const gantry_bytes_t* values,
                              uint32_t count, gantry_series_t* series) GANTRY_NOEXCEPT;
    /* Nobody may count in it any more for this hold. GANTRY_ERROR_STALE: it is not held. Takes a lock as well.
     * [any] */
    gantry_result_t (*release)(const gantry_host_t* host, gantry_series_t series) GANTRY_NOEXCEPT;

    /* Of a counter (0 or more) or a gauge. Does nothing to other series. [any] */
    void (*add)(const gantry_host_t* host, gantry_series_t series, int64_t amount) GANTRY_NOEXCEPT;
    /* Of a gauge. [any] */
    void (*set)(const gantry_host_t* host, gantry_series_t series, int64_t value) GANTRY_NOEXCEPT;
    /* Of a histogram. [any] */
    void (*observe)(const gantry_host_t* host, gantry_series_t series, uint64_t value) GANTRY_NOEXCEPT;

    /* Begins to read all that is counted. It may look at files of /proc: run_blocking() of gantry.async/1 is
     * for that. NULL: no memory. [any] [give] back by end_walk() */
    gantry_walk_t* (*begin_walk)(const gantry_host_t* host)GANTRY_NOEXCEPT;
    /* Shows up to `most` series, metric by metric; false: that was all. There may be a million series, so
     * neither a worker nor one call should take all of them. Each series is seen once; what comes and goes
     * meanwhile is seen or not. One thread at a time. [any] */
    bool (*walk)(gantry_walk_t* walk, uint32_t most, const gantry_metric_visitor_t* visitor,
                 void* state) GANTRY_NOEXCEPT;
    /* [any] [take] */
    void (*end_walk)(gantry_walk_t* walk) GANTRY_NOEXCEPT;
} gantry_metrics_1_t;

GANTRY_END

#endif
