/* A log-phase hook in C: it counts answers by their class, and its counters outlive a reload. Every so many of them
 * there is a line in the error log, and `gantry tally show` asks for them. */
#include "gantry/gantry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shared by the instances that count at the same time: after a reload the old one finishes its exchanges beside
 * the new one. Counted by the workers, so all of it is atomic. */
typedef struct counters {
    atomic_int users; /* instances */
    atomic_ulong answers;
    atomic_ulong by_class[6]; /* [2]: 200 to 299; [0]: there was no answer */
} counters_t;

typedef struct instance {
    counters_t* counters;
    unsigned long every; /* a line after so many answers */
} instance_t;

static const gantry_host_t* host;
static const gantry_log_1_t* logger;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;
static const gantry_control_1_t* control;

static const gantry_key_t keys[] = {
    {
        .name = "tally",
        .type = GANTRY_TYPE_BOOLEAN,
        .scopes = GANTRY_IN_SERVER | GANTRY_IN_HOST | GANTRY_IN_LOCATION,
        .example = "true",
        .doc = "Counts the answers of these locations by class.",
    },
    {
        .name = "tally_every",
        .type = GANTRY_TYPE_INTEGER,
        .scopes = GANTRY_IN_SERVER,
        .standard = "1000",
        .example = "100",
        .doc = "After so many answers the counters are written to the error log.",
        .least = 1,
        .most = 1000000000,
    },
};

/* [worker] */
static gantry_verdict_t count(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const instance_t* instance = self;
    counters_t* counters = instance->counters;
    const int32_t class = http->is_head_sent(exchange) ? http->status(exchange) / 100 : 0;
    unsigned long answers;
    char line[128];
    int size;

    atomic_fetch_add_explicit(&counters->by_class[class], 1, memory_order_relaxed);
    answers = atomic_fetch_add_explicit(&counters->answers, 1, memory_order_relaxed) + 1;
    if (answers % instance->every != 0 || !logger->wants(host, GANTRY_INFO)) return GANTRY_NEXT;
    size = snprintf(line, sizeof(line), "tally answers=%lu 2xx=%lu 3xx=%lu 4xx=%lu 5xx=%lu none=%lu", answers,
                    atomic_load(&counters->by_class[2]), atomic_load(&counters->by_class[3]),
                    atomic_load(&counters->by_class[4]), atomic_load(&counters->by_class[5]),
                    atomic_load(&counters->by_class[0]));
    if (size > 0) logger->write(host, GANTRY_INFO, (gantry_bytes_t){line, (size_t)size});
    return GANTRY_NEXT;
}

/* A route of the control API. [main] */
static void show(void* self, const gantry_call_t* call) GANTRY_NOEXCEPT {
    const counters_t* counters = ((const instance_t*)self)->counters;
    char json[160];
    const int size =
        snprintf(json, sizeof(json),
                 "{\"answers\": %lu, \"2xx\": %lu, \"3xx\": %lu, \"4xx\": %lu, \"5xx\": %lu, \"none\": %lu}",
                 atomic_load(&counters->answers), atomic_load(&counters->by_class[2]),
                 atomic_load(&counters->by_class[3]), atomic_load(&counters->by_class[4]),
                 atomic_load(&counters->by_class[5]), atomic_load(&counters->by_class[0]));
    control->answer(host, call->reply, 200, (gantry_bytes_t){json, (size_t)size});
}

/* The counters of the instance that serves are taken over; it goes on counting in them. [main] [loading] */
static bool prepare(void* module, gantry_scope_t* top, void* old, void** result) GANTRY_NOEXCEPT {
    instance_t* instance = calloc(1, sizeof(*instance));
    const gantry_route_t route = {
        .size = sizeof(route), .method = "GET", .path = "answers", .run = show, .self = instance};
    (void)module;
    if (instance == NULL) return false;
    if (control->mount(top, &route) != GANTRY_OK) {
        free(instance);
        return false;
    }
    instance->every = (unsigned long)conf->integer(conf->find(top, GANTRY_BYTES("tally_every")));
    instance->counters = old != NULL ? ((instance_t*)old)->counters : calloc(1, sizeof(counters_t));
    if (instance->counters == NULL) {
        free(instance);
        return false;
    }
    atomic_fetch_add(&instance->counters->users, 1);
    *result = instance;
    return true;
}

static bool configure(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    const gantry_value_t* tally = conf->find(scope, GANTRY_BYTES("tally"));
    const gantry_hook_t hook = {
        .size = sizeof(hook), .phase = "log", .name = "tally", .run = count, .self = instance};
    if (tally == NULL || !conf->boolean(tally)) return true;
    return phase->add(scope, &hook) == GANTRY_OK;
}

static void retire(void* self) GANTRY_NOEXCEPT {
    instance_t* instance = self;
    if (atomic_fetch_sub(&instance->counters->users, 1) == 1) free(instance->counters);
    free(instance);
}

static const gantry_instance_1_t instance_table = {
    .size = sizeof(instance_table), .prepare = prepare, .configure = configure, .retire = retire};

static bool open_module(const gantry_host_t* given, void** module) GANTRY_NOEXCEPT {
    host = given;
    logger = host->get_extension(host, GANTRY_LOG_1);
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    control = host->get_extension(host, GANTRY_CONTROL_1);
    if (logger == NULL || conf == NULL || http == NULL || phase == NULL || control == NULL) return false;
    *module = &host;
    return conf->declare(host, keys, sizeof(keys) / sizeof(keys[0]), sizeof(keys[0])) == GANTRY_OK;
}

static void close_module(void* module) GANTRY_NOEXCEPT {
    (void)module;
}

static const void* get_extension(void* module, const char* id) GANTRY_NOEXCEPT {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &instance_table : NULL;
}

GANTRY_COMMANDS(GANTRY_COMMAND("show", "GET", "answers", "Print how many answers there were, by class"));

GANTRY_ENTRY("tally", "1.0.0", "Counts answers by class.", open_module, close_module, get_extension);
