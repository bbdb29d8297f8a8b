/* A module of ABI 1.0 that uses every table of it. It is compiled against the headers beside it, and loaded
 * in every gantry that comes after: what it does and what it is answered is in tests/e2e/test_kept.py. */
#ifndef GANTRY_TESTS_KEPT_H
#define GANTRY_TESTS_KEPT_H

#include <gantry/gantry.h>
#include <stdatomic.h>

#if __has_include(<gantry/module.hpp>)
#error "the headers of today are on the include path: this is to be built against those of 1.0 alone"
#endif

extern const gantry_host_t* host;
extern const gantry_log_1_t* logger;
extern const gantry_conf_1_t* conf;
extern const gantry_http_1_t* http;
extern const gantry_phase_1_t* phase;
extern const gantry_filter_1_t* filter;
extern const gantry_async_1_t* async;
extern const gantry_timer_1_t* timer;
extern const gantry_metrics_1_t* metrics;
extern const gantry_store_1_t* store;
extern const gantry_conn_1_t* conn;
extern const gantry_upstream_1_t* upstream;
extern const gantry_client_1_t* client;
extern const gantry_control_1_t* control;
extern const gantry_events_1_t* events;
extern const gantry_tls_1_t* tls;

#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* A text that is made piece by piece. */
typedef struct text {
    char data[2048];
    size_t size;
} text_t;
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void say(text_t* text, const char* format, ...);
gantry_bytes_t bytes_of(const text_t* text);
bool is(gantry_bytes_t bytes, const char* text);

typedef struct instance {
    int loads; /* handed over, and counted on */
    uint64_t ticking;
    gantry_series_t answers, level, times;
    const gantry_target_t* target; /* NULL: none is configured */
    gantry_peers_t* peers;         /* NULL: of no upstream */
    gantry_bytes_t peer;
    gantry_certificate_t certificate; /* 0: none */
} instance_t;

/* What happened so far, in the process. */
typedef struct counters {
    atomic_int prepared, committed, retired, logged, dropped, ticks, heard, picked, hellos, places;
} counters_t;
extern counters_t counters;
void say_counters(text_t* text);

/* ---- keys, hooks and filters of a location: hooks.c */
bool add_hooks(instance_t* instance, gantry_scope_t* scope);
bool add_to_host(gantry_scope_t* scope);

/* ---- what answers: answers.c, and what has to wait: waiting.c, stored.c, fetched.c */
typedef gantry_verdict_t (*answer_t)(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
answer_t find_answer(gantry_bytes_t name);
gantry_verdict_t answer_store(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
gantry_verdict_t answer_event(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
gantry_verdict_t answer_fetch(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;
gantry_verdict_t answer_metrics(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT;

/* An exchange that sleeps until its text is answered. Freed when it wakes or dies. */
typedef struct sleeper {
    gantry_ticket_t ticket;
    instance_t* instance;
    text_t text;
    int step;
    uint64_t id;
    gantry_fetch_t fetch;
} sleeper_t;
sleeper_t* put_to_sleep(gantry_exchange_t* exchange, void* instance);
void answer_sleeper(void* sleeper) GANTRY_NOEXCEPT;

/* ---- beside the requests: edges.c */
bool subscribe_and_mount(instance_t* instance, gantry_scope_t* top);
bool configure_listener(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;
bool configure_upstream(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;
void publish_peers(instance_t* instance);
bool want(void* instance, gantry_scope_t* scope, const gantry_bytes_t* names, uint32_t count) GANTRY_NOEXCEPT;

#endif
