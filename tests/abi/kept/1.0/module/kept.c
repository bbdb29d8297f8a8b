/* The life of the module: what it asks of the host, its keys, and its instances. */
#include "kept.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const gantry_host_t* host;
const gantry_log_1_t* logger;
const gantry_conf_1_t* conf;
const gantry_http_1_t* http;
const gantry_phase_1_t* phase;
const gantry_filter_1_t* filter;
const gantry_async_1_t* async;
const gantry_timer_1_t* timer;
const gantry_metrics_1_t* metrics;
const gantry_store_1_t* store;
const gantry_conn_1_t* conn;
const gantry_upstream_1_t* upstream;
const gantry_client_1_t* client;
const gantry_control_1_t* control;
const gantry_events_1_t* events;
const gantry_tls_1_t* tls;

counters_t counters;
static uint32_t metric_answers, metric_level, metric_times;

/* ---- texts */

void say(text_t* text, const char* format, ...) {
    const size_t room = sizeof text->data - text->size;
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(text->data + text->size, room, format, arguments);
    va_end(arguments);
    if (size > 0) text->size += (size_t)size < room ? (size_t)size : room - 1;
}

gantry_bytes_t bytes_of(const text_t* text) {
    return (gantry_bytes_t){text->data, text->size};
}

bool is(gantry_bytes_t bytes, const char* text) {
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

void say_counters(text_t* text) {
    say(text,
        "prepared=%d committed=%d retired=%d logged=%d dropped=%d heard=%d picked=%d hellos=%d ticks=%d",
        counters.prepared, counters.committed, counters.retired, counters.logged, counters.dropped,
        counters.heard, counters.picked, counters.hellos, counters.ticks > 0);
}

/* ---- keys */

static const char* const kModes[] = {"allow", "deny", "later", "posted", "blocking", "timed", NULL};
static const gantry_key_t kMembers[] = {
    {.name = "mode",
     .type = GANTRY_TYPE_CHOICE,
     .choices = kModes,
     .standard = "\"allow\"",
     .example = "\"deny\"",
     .doc = "What the access hook does."},
    {.name = "greeting",
     .type = GANTRY_TYPE_TEMPLATE,
     .example = "\"hi\"",
     .doc = "A field of the response."},
    {.name = "shout",
     .type = GANTRY_TYPE_BOOLEAN,
     .standard = "false",
     .example = "true",
     .doc = "Capitals."},
    {.name = "sizes",
     .type = GANTRY_TYPE_SIZE,
     .flags = GANTRY_KEY_LIST,
     .example = "[\"1KiB\"]",
     .least = 1,
     .most = 1048576,
     .doc = "Some sizes."},
    {.name = "names",
     .type = GANTRY_TYPE_STRING,
     .flags = GANTRY_KEY_NAMED,
     .example = "{ a = \"b\" }",
     .doc = "Some names."},
    {.name = "wait",
     .type = GANTRY_TYPE_TIMESPAN,
     .standard = "\"1ms\"",
     .example = "\"1s\"",
     .least = 1000000,
     .most = 60000000000,
     .doc = "How long."},
};
static const gantry_key_t kKeys[] = {
    {.name = "kept",
     .type = GANTRY_TYPE_TABLE,
     .keys = kMembers,
     .key_count = COUNT_OF(kMembers),
     .scopes = GANTRY_IN_SERVER | GANTRY_IN_HOST | GANTRY_IN_LOCATION,
     .short_for = "mode",
     .example = "\"deny\"",
     .doc = "Hooks and filters."},
    {.name = "kept_answer",
     .type = GANTRY_TYPE_STRING,
     .scopes = GANTRY_IN_LOCATION,
     .flags = GANTRY_KEY_HANDLER,
     .example = "\"facts\"",
     .doc = "What answers."},
    {.name = "kept_target",
     .type = GANTRY_TYPE_STRING,
     .scopes = GANTRY_IN_SERVER,
     .example = "\"http://127.0.0.1:3000/\"",
     .doc = "Who is asked."},
    {.name = "kept_knock",
     .type = GANTRY_TYPE_STRING,
     .scopes = GANTRY_IN_LISTENER,
     .example = "\"knock\"",
     .doc = "What connections begin with."},
    {.name = "kept_peer",
     .type = GANTRY_TYPE_STRING,
     .scopes = GANTRY_IN_UPSTREAM,
     .example = "\"127.0.0.1:3000\"",
     .doc = "Where the requests go."},
    {.name = "kept_pem",
     .type = GANTRY_TYPE_PATH,
     .scopes = GANTRY_IN_SERVER,
     .example = "\"a.pem\"",
     .doc = "The certificate that is offered, with its key."},
};

/* ---- instances */

static void tick(void* state) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    atomic_fetch_add(&counters.ticks, 1);
    metrics->set(host, instance->level, 7);
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** out) GANTRY_NOEXCEPT {
    const gantry_value_t* const url = conf->find(top, GANTRY_BYTES("kept_target"));
    const gantry_bytes_t place = GANTRY_BYTES("here");
    instance_t* const instance = calloc(1, sizeof *instance);
    (void)module;
    if (instance == NULL) return false;
    instance->loads = old == NULL ? 1 : ((instance_t*)old)->loads + 1;
    if (url != NULL) {
        const gantry_target_options_t options = {.size = sizeof options, .connect_timeout = 5000000000};
        instance->target = client->target(top, url, conf->text(url), &options);
    }
    if ((url != NULL && instance->target == NULL) || !subscribe_and_mount(instance, top)) {
        free(instance);
        return false;
    }
    metrics->series(host, metric_answers, &place, 1, &instance->answers);
    metrics->series(host, metric_level, NULL, 0, &instance->level);
    metrics->series(host, metric_times, NULL, 0, &instance->times);
    atomic_fetch_add(&counters.prepared, 1);
    *out = instance;
    return true;
}

static bool configure(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    return add_hooks(instance, scope);
}

static bool configure_host(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    (void)instance;
    return add_to_host(scope);
}

static void commit(void* state) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    atomic_fetch_add(&counters.committed, 1);
    timer->every(host, 1000000, instance, &tick, &instance->ticking);
    publish_peers(instance);
}

static void retire(void* state) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    if (instance->ticking != 0) timer->cancel(host, instance->ticking);
    if (instance->certificate != 0) tls->release(host, instance->certificate);
    metrics->release(host, instance->answers);
    metrics->release(host, instance->level);
    metrics->release(host, instance->times);
    free(instance);
    atomic_fetch_add(&counters.retired, 1);
}

static const gantry_instance_1_t kInstance = {
    .size = sizeof kInstance,
    .prepare = &prepare,
    .configure = &configure,
    .commit = &commit,
    .retire = &retire,
    .configure_host = &configure_host,
    .configure_listener = &configure_listener,
    .configure_upstream = &configure_upstream,
};
static const gantry_certificate_source_1_t kSource = {.size = sizeof kSource, .want = &want};

/* ---- the module */

static bool declare_metrics(void) {
    static const char* const kLabels[] = {"place", NULL};
    const gantry_metric_t answers = {.size = sizeof answers,
                                     .type = GANTRY_COUNTER,
                                     .name = "answers",
                                     .help = "Answers.",
                                     .labels = kLabels};
    const gantry_metric_t level = {
        .size = sizeof level, .type = GANTRY_GAUGE, .name = "level", .help = "A level."};
    const gantry_metric_t times = {.size = sizeof times,
                                   .type = GANTRY_HISTOGRAM,
                                   .name = "times",
                                   .unit = "seconds",
                                   .help = "Times.",
                                   .per_unit = 1000000000,
                                   .least = 1000,
                                   .most = 1000000,
                                   .steps = 2};
    return metrics->declare(host, &answers, &metric_answers) == GANTRY_OK &&
           metrics->declare(host, &level, &metric_level) == GANTRY_OK &&
           metrics->declare(host, &times, &metric_times) == GANTRY_OK;
}

static bool open_module(const gantry_host_t* given, void** module) GANTRY_NOEXCEPT {
    host = given;
    logger = host->get_extension(host, GANTRY_LOG_1);
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    filter = host->get_extension(host, GANTRY_FILTER_1);
    async = host->get_extension(host, GANTRY_ASYNC_1);
    timer = host->get_extension(host, GANTRY_TIMER_1);
    metrics = host->get_extension(host, GANTRY_METRICS_1);
    store = host->get_extension(host, GANTRY_STORE_1);
    conn = host->get_extension(host, GANTRY_CONN_1);
    upstream = host->get_extension(host, GANTRY_UPSTREAM_1);
    client = host->get_extension(host, GANTRY_CLIENT_1);
    control = host->get_extension(host, GANTRY_CONTROL_1);
    events = host->get_extension(host, GANTRY_EVENTS_1);
    tls = host->get_extension(host, GANTRY_TLS_1);
    const void* const tables[] = {logger, conf, http,     phase,  filter,  async,  timer, metrics,
                                  store,  conn, upstream, client, control, events, tls};
    for (uint32_t i = 0; i < COUNT_OF(tables); ++i) {
        if (tables[i] == NULL) return false;
    }
    /* The last function of each table that this ABI had. */
    const bool is_whole =
        GANTRY_HAS(logger, write) && GANTRY_HAS(conf, warning) && GANTRY_HAS(http, addresses) &&
        GANTRY_HAS(phase, add) && GANTRY_HAS(filter, send) && GANTRY_HAS(async, run_blocking) &&
        GANTRY_HAS(timer, run_after) && GANTRY_HAS(metrics, end_walk) && GANTRY_HAS(store, dead) &&
        GANTRY_HAS(conn, set_fact) && GANTRY_HAS(upstream, set_picker) && GANTRY_HAS(client, resume) &&
        GANTRY_HAS(control, refuse) && GANTRY_HAS(events, settle) && GANTRY_HAS(tls, refuse);
    if (!is_whole || host->abi_major != GANTRY_ABI_MAJOR) return false;
    *module = &host;
    if (logger->wants(host, GANTRY_INFO))
        logger->write(host, GANTRY_INFO, GANTRY_BYTES("a module of 1.0 is open"));
    return declare_metrics() && conf->declare(host, kKeys, COUNT_OF(kKeys), sizeof kKeys[0]) == GANTRY_OK;
}

static void close_module(void* module) GANTRY_NOEXCEPT {
    (void)module;
    text_t text = {.size = 0};
    say(&text, "a module of 1.0 is closed prepared=%d retired=%d", counters.prepared, counters.retired);
    logger->write(host, GANTRY_INFO, bytes_of(&text));
}

static const void* get_extension(void* module, const char* id) GANTRY_NOEXCEPT {
    (void)module;
    if (strcmp(id, GANTRY_INSTANCE_1) == 0) return &kInstance;
    return strcmp(id, GANTRY_CERTIFICATE_SOURCE_1) == 0 ? &kSource : NULL;
}

GANTRY_COMMANDS(GANTRY_COMMAND("counters", "GET", "counters", "Print what happened")
                    GANTRY_COMMAND("echo", "POST", "echo", "Print a word")
                        GANTRY_ARGUMENT("word", "WORD", GANTRY_REQUIRED, "Which"));

GANTRY_ENTRY("kept-1-0", "1.0", "A module of ABI 1.0.", &open_module, &close_module, &get_extension);
