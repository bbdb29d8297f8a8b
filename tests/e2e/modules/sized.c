/* A module of other headers than those of gantry: whatever it hands over is longer than there (NEWER: more
 * members, which gantry does not know), or ends with the last member that has to be there (OLDER); with
 * OLDEST the table of its instances does so as well. Everything lies in memory of just that size, so that a
 * sanitizer sees who reads more. */
#include "gantry/gantry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENDS_AT(type, last) (offsetof(type, last) + sizeof(((type*)0)->last))
#ifdef NEWER
#define MORE 24
#define SIZE(type, last) (sizeof(type) + MORE)
#else
#define MORE 1
#define SIZE(type, last) ENDS_AT(type, last)
#endif

static const gantry_host_t* host;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_async_1_t* async;
static const gantry_fd_1_t* descriptors;
static const gantry_upstream_1_t* upstream;
static gantry_watcher_t* watcher;
static gantry_peers_t* peers;
static const gantry_target_t* app;
/* commit() says something while a worker answers with it. */
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;
static char said[2000];

static void say(const char* what, int result) {
    pthread_mutex_lock(&saying);
    const size_t length = strlen(said);
    snprintf(said + length, sizeof said - length, "%s=%d ", what, result);
    pthread_mutex_unlock(&saying);
}

/* `from` in `size` bytes, its size first; behind what is known of it there are bytes that nobody must look
 * at. */
static void* fitted(const void* from, size_t known, size_t size) {
    char* const out = malloc(size);
    const uint32_t told = (uint32_t)size;
    memset(out, 0xa5, size);
    memcpy(out, from, known < size ? known : size);
    memcpy(out, &told, sizeof told);
    return out;
}
/* Hands over `value`, and says what came of it. */
#define HAND_OVER(what, type, last, value, call)                              \
    do {                                                                      \
        type* const given = fitted(&(value), sizeof(type), SIZE(type, last)); \
        say(what, call);                                                      \
        free(given);                                                          \
    } while (0)

/* ---- what is handed over while a configuration is loaded */

static gantry_verdict_t deliver(void* self, const gantry_event_t* event, gantry_delivery_t delivery) {
    (void)self, (void)event, (void)delivery;
    return GANTRY_DONE;
}
static void answer_call(void* self, const gantry_call_t* call) {
    static const gantry_control_1_t* control;
    (void)self;
    control = host->get_extension(host, GANTRY_CONTROL_1);
    control->answer(host, call->reply, 200, GANTRY_BYTES("{\"is\": \"sized\"}"));
}
static gantry_verdict_t hello(gantry_hello_t* of, void* self) {
    (void)of, (void)self;
    return GANTRY_NEXT;
}
static void on_metric(void* state, const gantry_metric_view_t* metric) {
    (void)metric;
    ++*(int*)state;
}
static void on_sample(void* state, const gantry_sample_t* sample) {
    (void)state, (void)sample;
}

static void count_metrics(void) {
    const gantry_metrics_1_t* const metrics = host->get_extension(host, GANTRY_METRICS_1);
    const gantry_metric_visitor_t visitor = {.on_metric = on_metric, .on_sample = on_sample};
    gantry_walk_t* const walk = metrics->begin_walk(host);
    int seen = 0;
    HAND_OVER("walk", gantry_metric_visitor_t, on_sample, visitor, metrics->walk(walk, 100000, given, &seen));
    say("metrics_seen", seen > 0);
    metrics->end_walk(walk);
}

/* No certificate; the report says so, as far as there is room. */
static void make_certificate(void) {
    const gantry_tls_1_t* const tls = host->get_extension(host, GANTRY_TLS_1);
    const gantry_certificate_pem_t pem = {.chain = GANTRY_BYTES("chain"), .key = GANTRY_BYTES("key")};
    gantry_certificate_report_t whole = {.size = sizeof whole};
    gantry_certificate_report_t* const report =
        fitted(&whole, sizeof whole, SIZE(gantry_certificate_report_t, not_after));
    gantry_certificate_t certificate;
    HAND_OVER("make", gantry_certificate_pem_t, key, pem, tls->make(host, given, &certificate, &whole));
    say("why", whole.reason_size > 0);
    HAND_OVER("make_and_report", gantry_certificate_pem_t, key, pem,
              tls->make(host, given, &certificate, report));
    free(report);
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) {
    const gantry_metrics_1_t* const metrics = host->get_extension(host, GANTRY_METRICS_1);
    const gantry_events_1_t* const events = host->get_extension(host, GANTRY_EVENTS_1);
    const gantry_control_1_t* const control = host->get_extension(host, GANTRY_CONTROL_1);
    const gantry_tls_1_t* const tls = host->get_extension(host, GANTRY_TLS_1);
    const gantry_client_1_t* const client = host->get_extension(host, GANTRY_CLIENT_1);
    const gantry_metric_t metric = {.type = GANTRY_COUNTER, .name = "cups", .help = "Cups."};
    const gantry_subscription_t subscription = {.name = "all", .types = "tea.*", .deliver = deliver};
    const gantry_route_t route = {.method = "GET", .path = "sized", .run = answer_call};
    const gantry_hello_hook_t hook = {.name = "sized", .run = hello};
    const gantry_target_options_t options = {.flags = 0};
    uint32_t number;
    (void)module, (void)old;
    said[0] = '\0';
    *instance = said;
    HAND_OVER("metric", gantry_metric_t, steps, metric, metrics->declare(host, given, &number));
    HAND_OVER("subscription", gantry_subscription_t, at_a_time, subscription, events->subscribe(top, given));
    HAND_OVER("route", gantry_route_t, self, route, control->mount(top, given));
    HAND_OVER("hello", gantry_hello_hook_t, self, hook, tls->add_hello(top, given));
    const gantry_value_t* const url = conf->find(top, GANTRY_BYTES("sized_app.url"));
    HAND_OVER("target", gantry_target_options_t, flags, options,
              (app = client->target(top, url, conf->text(url), given)) != NULL);
    say("app", app != NULL);
    count_metrics();
    make_certificate();
    watcher = descriptors->watcher(top);
    return true;
}

static void run_header_filter(gantry_exchange_t* exchange, void* self);
static gantry_verdict_t run(gantry_exchange_t* exchange, void* self);

static bool configure(void* instance, gantry_scope_t* scope) {
    const gantry_phase_1_t* const phase = host->get_extension(host, GANTRY_PHASE_1);
    const gantry_filter_1_t* const filter = host->get_extension(host, GANTRY_FILTER_1);
    const gantry_hook_t hook = {.phase = "content", .name = "sized", .run = run};
    const gantry_header_filter_t header = {.name = "sized", .run = run_header_filter};
    (void)instance;
    HAND_OVER("hook", gantry_hook_t, self, hook, phase->add(scope, given));
    HAND_OVER("header_filter", gantry_header_filter_t, self, header, filter->add_header_filter(scope, given));
    return true;
}

static gantry_verdict_t look(gantry_conn_t* conn, void* self, gantry_bytes_t bytes, uint32_t more,
                             uint32_t* taken) {
    (void)conn, (void)self, (void)bytes, (void)more, (void)taken;
    return GANTRY_NEXT;
}
static bool configure_listener(void* instance, gantry_scope_t* scope) {
    const gantry_conn_1_t* const conn = host->get_extension(host, GANTRY_CONN_1);
    const gantry_conn_filter_t filter = {.name = "sized", .run = look};
    (void)instance;
    HAND_OVER("conn_filter", gantry_conn_filter_t, self, filter, conn->add(scope, given));
    return true;
}

static uint32_t pick(gantry_exchange_t* exchange, void* self, const gantry_candidate_t* candidates,
                     size_t candidate_size, uint32_t count) {
    (void)exchange, (void)self, (void)candidates, (void)candidate_size, (void)count;
    return GANTRY_PICK_BALANCER;
}
static bool configure_upstream(void* instance, gantry_scope_t* scope) {
    const gantry_picker_t picker = {.name = "sized", .pick = pick};
    (void)instance;
    HAND_OVER("picker", gantry_picker_t, self, picker, upstream->set_picker(scope, given));
    peers = upstream->peers(scope);
    return true;
}

static void commit(void* instance) {
    const gantry_peer_t two[] = {{.address = GANTRY_BYTES("127.0.0.1:9"), .weight = 1},
                                 {.address = GANTRY_BYTES("127.0.0.1:10"), .weight = 2}};
    const size_t size = SIZE(gantry_peer_t, weight), known = size < sizeof *two ? size : sizeof *two;
    char* const all = peers == NULL ? NULL : malloc(2 * size);
    (void)instance;
    if (all == NULL) return say("committed", 0);
    memset(all, 0xa5, 2 * size);
    memcpy(all, &two[0], known);
    memcpy(all + size, &two[1], known);
    say("peers", upstream->set_peers(peers, (const gantry_peer_t*)(void*)all, size, 2));
    free(all);
    say("committed", 0);
}

static void retire(void* instance) {
    (void)instance;
}

/* ---- what is handed over while requests are served */

static bool on_data(void* state, gantry_bytes_t data, gantry_sink_t* sink) {
    const gantry_filter_1_t* const filter = host->get_extension(host, GANTRY_FILTER_1);
    (void)state;
    filter->send(sink, data);
    return true;
}
static bool on_last(void* state, gantry_sink_t* sink) {
    (void)state;
    on_data(NULL, GANTRY_BYTES("filtered"), sink);
    return true;
}
static void run_header_filter(gantry_exchange_t* exchange, void* self) {
    const gantry_filter_1_t* const filter = host->get_extension(host, GANTRY_FILTER_1);
    const gantry_body_filter_t body = {.on_data = on_data, .on_end = on_last};
    gantry_body_filter_t* const given = fitted(&body, sizeof body, SIZE(gantry_body_filter_t, drop));
    (void)self;
#ifdef NEWER
    given->on_pause = NULL;
#endif
    filter->add_body_filter(exchange, given, NULL);
    free(given);
}

static void on_body_end(gantry_exchange_t* exchange, void* self) {
    (void)self;
    http->respond(exchange, GANTRY_BYTES("read "));
}

static void on_fetched(void* state, const gantry_client_answer_t* answer) {
    gantry_ticket_t* const ticket = state;
    gantry_exchange_t* const exchange = async->exchange_of(host, *ticket);
    if (exchange != NULL) {
        http->respond(exchange,
                      answer->status == 200 ? GANTRY_BYTES("fetched ") : GANTRY_BYTES("not fetched "));
        async->resume(host, *ticket, GANTRY_DONE);
    }
    free(ticket);
}

static gantry_verdict_t fetch(gantry_exchange_t* exchange) {
    const gantry_client_1_t* const client = host->get_extension(host, GANTRY_CLIENT_1);
    gantry_ticket_t* const ticket = malloc(sizeof *ticket);
    *ticket = async->suspend(exchange, NULL, NULL);
    const gantry_client_request_t request = {.target = app};
    const gantry_client_events_t events = {.ticket = *ticket, .state = ticket, .on_end = on_fetched};
    gantry_client_request_t* const what =
        fitted(&request, sizeof request, SIZE(gantry_client_request_t, timeout));
    gantry_client_events_t* const whom = fitted(&events, sizeof events, SIZE(gantry_client_events_t, on_end));
    gantry_fetch_t number;
    if (client->request(host, what, whom, &number) != GANTRY_OK) abort();
    free(what);
    free(whom);
    return GANTRY_WAIT;
}

static gantry_verdict_t watch(gantry_exchange_t* exchange) {
    const gantry_fd_events_t events = {.state = NULL};
    gantry_fd_events_t* const given = fitted(&events, sizeof events, SIZE(gantry_fd_events_t, on_end));
    gantry_watch_t number;
    int ends[2];
    if (pipe(ends) != 0) return GANTRY_FAIL;
    const gantry_result_t result = descriptors->watch(watcher, ends[0], given, &number);
    free(given);
    descriptors->stop(host, number);
    close(ends[0]);
    close(ends[1]);
    http->respond(exchange, result == GANTRY_OK ? GANTRY_BYTES("watched ") : GANTRY_BYTES("not watched "));
    return GANTRY_DONE;
}

static gantry_verdict_t run(gantry_exchange_t* exchange, void* self) {
    const gantry_bytes_t path = http->path(exchange);
    (void)self;
    if (path.size == 5 && memcmp(path.data, "/read", 5) == 0) {
        const gantry_body_reader_t reader = {.on_end = on_body_end};
        gantry_body_reader_t* const given = fitted(&reader, sizeof reader, SIZE(gantry_body_reader_t, self));
        const gantry_result_t result = http->read_body(exchange, given);
        free(given);
        return result == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
    }
    if (path.size == 6 && memcmp(path.data, "/fetch", 6) == 0) return fetch(exchange);
    if (path.size == 6 && memcmp(path.data, "/watch", 6) == 0) return watch(exchange);
    pthread_mutex_lock(&saying);
    const gantry_result_t result = http->respond(exchange, (gantry_bytes_t){said, strlen(said)});
    pthread_mutex_unlock(&saying);
    return result == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

/* ---- what the module is */

static bool declare_keys(void) {
    static const gantry_key_t inner = {.name = "url",
                                       .type = GANTRY_TYPE_STRING,
                                       .flags = GANTRY_KEY_REQUIRED,
                                       .example = "\"http://a\"",
                                       .doc = "Where."};
    static char* inner_keys;
    static char* all;
    const size_t size = SIZE(gantry_key_t, deprecated);
    const gantry_key_t keys[] = {{.name = "sized",
                                  .type = GANTRY_TYPE_BOOLEAN,
                                  .scopes = GANTRY_IN_LOCATION,
                                  .flags = GANTRY_KEY_HANDLER,
                                  .example = "true",
                                  .doc = "Answers."},
                                 {.name = "sized_place",
                                  .type = GANTRY_TYPE_BOOLEAN,
                                  .scopes = GANTRY_IN_LISTENER | GANTRY_IN_UPSTREAM,
                                  .example = "true",
                                  .doc = "Is configured."},
                                 {.name = "sized_app",
                                  .type = GANTRY_TYPE_TABLE,
                                  .scopes = GANTRY_IN_SERVER,
                                  .key_count = 1,
                                  .example = "{ url = \"http://a\" }",
                                  .doc = "Whom it asks."}};
    inner_keys = malloc(size);
    all = malloc(3 * size);
    memset(inner_keys, 0xa5, size);
    memset(all, 0xa5, 3 * size);
    memcpy(inner_keys, &inner, sizeof inner);
    for (int i = 0; i < 3; ++i) memcpy(all + (size_t)i * size, &keys[i], sizeof *keys);
    ((gantry_key_t*)(void*)(all + 2 * size))->keys = (const gantry_key_t*)(void*)inner_keys;
    return conf->declare(host, (const gantry_key_t*)(void*)all, 3, (uint32_t)size) == GANTRY_OK;
}

static bool open_module(const gantry_host_t* given, void** module) {
    host = given;
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    async = host->get_extension(host, GANTRY_ASYNC_1);
    descriptors = host->get_extension(host, GANTRY_FD_1);
    upstream = host->get_extension(host, GANTRY_UPSTREAM_1);
    *module = said;
    return declare_keys();
}

static void close_module(void* module) {
    (void)module;
}

static bool want(void* instance, gantry_scope_t* scope, const gantry_bytes_t* names, uint32_t count) {
    (void)instance, (void)scope, (void)names, (void)count;
    return true;
}

static const void* get_extension(void* module, const char* id) {
    static void* instances;
    static void* source;
    static const gantry_instance_1_t of_today = {.prepare = prepare,
                                                 .configure = configure,
                                                 .commit = commit,
                                                 .retire = retire,
                                                 .configure_listener = configure_listener,
                                                 .configure_upstream = configure_upstream};
    static const gantry_certificate_source_1_t offers = {.want = want};
    (void)module;
#ifdef OLDEST
    if (instances == NULL)
        instances = fitted(&of_today, sizeof of_today, ENDS_AT(gantry_instance_1_t, retire));
#else
    if (instances == NULL)
        instances = fitted(&of_today, sizeof of_today, SIZE(gantry_instance_1_t, configure_upstream));
#endif
    if (source == NULL) source = fitted(&offers, sizeof offers, SIZE(gantry_certificate_source_1_t, want));
    if (strcmp(id, GANTRY_INSTANCE_1) == 0) return instances;
    return strcmp(id, GANTRY_CERTIFICATE_SOURCE_1) == 0 ? source : NULL;
}

/* Members that the entry may have one day, and a line of the manifest that nobody knows. */
typedef struct longer_entry {
    gantry_module_entry_t known;
    char more[MORE];
} longer_entry_t;

GANTRY_IN_MANIFEST static const char manifest[] =
    GANTRY_MANIFEST_TEXT("sized", "1.0", "is of another size") "later=yes\n";
GANTRY_EXPORT const longer_entry_t gantry_module_entry;
GANTRY_EXPORT const longer_entry_t gantry_module_entry = {
    {SIZE(gantry_module_entry_t, get_extension), GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR, "sized", "1.0",
     open_module, close_module, get_extension},
    {0}};
