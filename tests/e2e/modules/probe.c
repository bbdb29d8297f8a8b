/* A module that does a little of everything, so that tests can see what the host makes of it. */
#include "gantry/gantry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const gantry_host_t* host;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;
static const gantry_filter_1_t* filter;
static const gantry_async_1_t* async;
static const gantry_timer_1_t* timer;
static const gantry_log_1_t* logger;

static atomic_int prepared, committed, retired, logged, dropped, ended, ticks, early, refused, accepted,
    doomed;

typedef struct instance {
    int generation; /* carried over and counted on */
    uint64_t ticking;
    struct place* places;
} instance_t;

typedef struct place {
    struct place* next;
    gantry_bytes_t mode;
    const gantry_value_t* greeting;
} place_t;

/* ---- keys */

static const char* const kModes[] = {"allow", "deny",       "later", "blocking",  "again",      "never",
                                     "none",  "twice",      "crash", "fail",      "slow",       "posted",
                                     "timed", "fail_later", "stale", "crash_log", "crash_main", NULL};
static const gantry_key_t kProbeKeys[] = {
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
    {.name = "after", .type = GANTRY_TYPE_STRING, .example = "\"other\"", .doc = "Names of other hooks."},
    {.name = "before", .type = GANTRY_TYPE_STRING, .example = "\"other\"", .doc = "Names of other hooks."},
    {.name = "shout",
     .type = GANTRY_TYPE_BOOLEAN,
     .standard = "false",
     .example = "true",
     .doc = "Capitals."},
    {.name = "wait",
     .type = GANTRY_TYPE_TIMESPAN,
     .standard = "\"10ms\"",
     .example = "\"1s\"",
     .least = 1000000,
     .most = 60000000000,
     .doc = "How long."},
};
static const gantry_key_t kKeys[] = {
    {.name = "probe",
     .type = GANTRY_TYPE_TABLE,
     .scopes = GANTRY_IN_SERVER | GANTRY_IN_HOST | GANTRY_IN_LOCATION,
     .keys = kProbeKeys,
     .key_count = sizeof kProbeKeys / sizeof kProbeKeys[0],
     .short_for = "mode",
     .example = "\"deny\"",
     .doc = "Hooks."},
    {.name = "probe_answer",
     .type = GANTRY_TYPE_CHOICE,
     .scopes = GANTRY_IN_LOCATION,
     .flags = GANTRY_KEY_HANDLER,
     .choices = (const char* const[]){"counts", "echo", "stream", "path", NULL},
     .example = "\"counts\"",
     .doc = "What answers."},
    {.name = "probe_refuse",
     .type = GANTRY_TYPE_STRING,
     .scopes = GANTRY_IN_SERVER | GANTRY_IN_LOCATION,
     .example = "\"because\"",
     .doc = "Why this place is not to be."},
};

/* ---- hooks */

static void count_drop(void* state) GANTRY_NOEXCEPT {
    (void)state;
    atomic_fetch_add(&dropped, 1);
}

static void resume_elsewhere(void* state) GANTRY_NOEXCEPT {
    gantry_ticket_t* ticket = state;
    async->resume(host, *ticket, GANTRY_NEXT);
    async->resume(host, *ticket, GANTRY_NEXT); /* stale by then, and refused */
    free(ticket);
}

/* Answers while the ticket is valid, and goes on: nothing is dropped before it returns. */
static void answer_elsewhere(void* state) GANTRY_NOEXCEPT {
    gantry_ticket_t* ticket = state;
    const int before = atomic_load(&dropped);
    gantry_exchange_t* const exchange = async->exchange_of(host, *ticket);
    if (exchange != NULL) {
        http->respond(exchange, GANTRY_BYTES("answered"));
        if (atomic_load(&dropped) != before || async->exchange_of(host, *ticket) != exchange)
            atomic_fetch_add(&early, 1);
        async->resume(host, *ticket, GANTRY_DONE);
    }
    free(ticket);
}

static bool is(gantry_bytes_t text, const char* wanted) {
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

/* Counts the ways in which a ticket that is used up is refused, and those in which it is not. */
static void use_stale(gantry_ticket_t ticket) {
    const gantry_result_t results[] = {
        async->resume(host, ticket, GANTRY_AGAIN),
        timer->resume_after(host, ticket, 1000000, GANTRY_AGAIN),
        timer->run_after(host, ticket, 1000000, NULL, &count_drop),
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; ++i)
        atomic_fetch_add(results[i] == GANTRY_ERROR_STALE ? &refused : &accepted, 1);
    atomic_fetch_add(async->exchange_of(host, ticket) == NULL ? &refused : &accepted, 1);
}

/* Wakes itself, and uses its ticket once more; before, that of the exchange that this worker had last, whose
 * place it has. */
static gantry_verdict_t use_stale_tickets(gantry_exchange_t* exchange, void* self) {
    static _Thread_local gantry_ticket_t last;
    static const char key;
    gantry_ticket_t* ticket = http->note(exchange, &key);
    if (ticket != NULL) {
        use_stale(*ticket);
        return GANTRY_NEXT;
    }
    ticket = http->allocate(exchange, sizeof *ticket);
    http->set_note(exchange, &key, ticket);
    *ticket = async->suspend(exchange, self, &count_drop);
    if (last.serial != 0) use_stale(last);
    last = *ticket;
    async->resume(host, *ticket, GANTRY_AGAIN);
    return GANTRY_WAIT;
}

static gantry_verdict_t access_hook(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const place_t* const place = self;
    static const char key;
    if (is(place->mode, "deny")) {
        http->fail(exchange, 403, GANTRY_BYTES(""));
        return GANTRY_DONE;
    }
    if (is(place->mode, "none")) return GANTRY_DONE;
    if (is(place->mode, "crash")) abort();
    if (is(place->mode, "fail")) return GANTRY_FAIL;
    if (is(place->mode, "slow")) { /* what no hook may do */
        for (const uint64_t end = timer->monotonic() + 150000000; timer->monotonic() < end;) continue;
        return GANTRY_NEXT;
    }
    if (is(place->mode, "crash_main")) atomic_store(&doomed, 1);
    if (is(place->mode, "allow") || is(place->mode, "crash_log") || is(place->mode, "crash_main"))
        return GANTRY_NEXT;
    if (is(place->mode, "stale")) return use_stale_tickets(exchange, self);
    if (http->note(exchange, &key) != NULL) return GANTRY_NEXT; /* asked again */
    http->set_note(exchange, &key, self);
    const gantry_ticket_t ticket = async->suspend(exchange, self, &count_drop);
    if (is(place->mode, "fail_later")) timer->resume_after(host, ticket, 1000000, GANTRY_FAIL);
    if (is(place->mode, "later")) timer->resume_after(host, ticket, 1000000, GANTRY_NEXT);
    if (is(place->mode, "twice")) {
        async->resume(host, ticket, GANTRY_NEXT);
        async->resume(host, ticket, GANTRY_FAIL); /* stale when its turn comes */
    }
    if (is(place->mode, "again")) async->resume(host, ticket, GANTRY_AGAIN); /* before it has returned */
    if (is(place->mode, "blocking") || is(place->mode, "posted") || is(place->mode, "timed")) {
        gantry_ticket_t* const kept = malloc(sizeof ticket);
        *kept = ticket;
        if (is(place->mode, "blocking")) async->run_blocking(host, kept, &resume_elsewhere);
        if (is(place->mode, "posted")) async->post(host, ticket, kept, &answer_elsewhere);
        if (is(place->mode, "timed")) timer->run_after(host, ticket, 1000000, kept, &answer_elsewhere);
    }
    return GANTRY_WAIT;
}

static gantry_verdict_t log_hook(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const place_t* const place = self;
    if (is(place->mode, "crash_log")) abort();
    if (http->status(exchange) == 418) logger->write(host, GANTRY_WARN, GANTRY_BYTES("a teapot was seen"));
    atomic_fetch_add(&logged, 1);
    return GANTRY_NEXT;
}

static bool shout(void* state, gantry_bytes_t data, gantry_sink_t* sink) GANTRY_NOEXCEPT {
    char piece[512];
    (void)state;
    while (data.size > 0) {
        const size_t size = data.size < sizeof piece ? data.size : sizeof piece;
        for (size_t i = 0; i < size; ++i)
            piece[i] = data.data[i] >= 'a' && data.data[i] <= 'z' ? (char)(data.data[i] - 32) : data.data[i];
        filter->send(sink, (gantry_bytes_t){piece, size});
        data.data += size;
        data.size -= size;
    }
    return true;
}

static bool end_shout(void* state, gantry_sink_t* sink) GANTRY_NOEXCEPT {
    (void)state;
    filter->send(sink, GANTRY_BYTES("!"));
    return true;
}

static void add_shout(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    static const gantry_body_filter_t kShout = {
        .size = sizeof kShout, .on_data = &shout, .on_end = &end_shout, .drop = &count_drop};
    filter->add_body_filter(exchange, &kShout, self);
}

static void greet(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const place_t* const place = self;
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X-Greeting"),
                    http->evaluate(exchange, place->greeting));
}

/* ---- handlers */

static gantry_verdict_t counts(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const instance_t* const instance = self;
    char text[256];
    const int size =
        snprintf(text, sizeof text,
                 "prepared=%d committed=%d retired=%d logged=%d dropped=%d ended=%d ticks=%d early=%d "
                 "refused=%d accepted=%d generation=%d\n",
                 prepared, committed, retired, logged, dropped, ended, ticks, early, refused, accepted,
                 instance->generation);
    http->respond(exchange, (gantry_bytes_t){text, (size_t)size});
    return GANTRY_DONE;
}

typedef struct echo {
    char* text;
    size_t size;
    size_t room;
} echo_t;

static void echo_data(gantry_exchange_t* exchange, void* self, gantry_bytes_t data) GANTRY_NOEXCEPT {
    echo_t* const echo = self;
    (void)exchange;
    if (echo->room - echo->size < data.size) data.size = echo->room - echo->size;
    memcpy(echo->text + echo->size, data.data, data.size);
    echo->size += data.size;
}

static void echo_end(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const echo_t* const echo = self;
    http->respond(exchange, (gantry_bytes_t){echo->text, echo->size});
}

static gantry_verdict_t echo(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    (void)self;
    echo_t* const echo = http->allocate(exchange, sizeof *echo);
    echo->room = 100000;
    echo->size = 0;
    echo->text = http->allocate(exchange, echo->room);
    const gantry_body_reader_t reader = {
        .size = sizeof reader, .on_data = &echo_data, .on_end = &echo_end, .self = echo};
    return http->read_body(exchange, &reader) == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

/* 200 pieces of 10,000 bytes, as fast as the client takes them. */
typedef struct stream {
    int sent;
} stream_t;

static void pump(gantry_exchange_t* exchange, void* state) GANTRY_NOEXCEPT {
    static char piece[10000];
    stream_t* const stream = state;
    memset(piece, 'x', sizeof piece);
    while (stream->sent < 200 && !http->is_congested(exchange)) {
        ++stream->sent;
        http->send_body(exchange, (gantry_bytes_t){piece, sizeof piece});
    }
    if (stream->sent == 200) {
        ++stream->sent;
        http->finish(exchange);
    }
}

static void stream_end(void* state) GANTRY_NOEXCEPT {
    (void)state;
    atomic_fetch_add(&ended, 1);
}

static gantry_verdict_t stream(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    (void)self;
    stream_t* const stream = http->allocate(exchange, sizeof *stream);
    stream->sent = 0;
    http->watch(exchange, stream, &pump, &stream_end);
    http->set_status(exchange, 201);
    http->send_head(exchange, UINT64_MAX);
    pump(exchange, stream);
    return GANTRY_DONE;
}

static gantry_verdict_t show_path(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    char text[512];
    gantry_bytes_t agent;
    (void)self;
    http->field(exchange, GANTRY_REQUEST, GANTRY_BYTES("user-agent"), &agent);
    const gantry_bytes_t parts[] = {http->method(exchange),
                                    http->path(exchange),
                                    http->query(exchange),
                                    http->host(exchange),
                                    http->scheme(exchange),
                                    http->protocol(exchange),
                                    http->client(exchange),
                                    agent,
                                    http->variable(exchange, GANTRY_BYTES("query.x"))};
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
        size += (size_t)snprintf(text + size, sizeof text - size, "%.*s|", (int)parts[i].size, parts[i].data);
    /* What belongs to the connection, and what would split the response, is refused. */
    const bool sound = http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("Connection"),
                                       GANTRY_BYTES("x")) == GANTRY_ERROR_ARGUMENT &&
                       http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X"),
                                       GANTRY_BYTES("a\r\nb")) == GANTRY_ERROR_ARGUMENT &&
                       http->set_status(exchange, 99) == GANTRY_ERROR_ARGUMENT;
    size += (size_t)snprintf(text + size, sizeof text - size, "%s", sound ? "sound" : "unsound");
    http->respond(exchange, (gantry_bytes_t){text, size});
    return GANTRY_DONE;
}

/* ---- life */

static void tick(void* state) GANTRY_NOEXCEPT {
    (void)state;
    if (atomic_load(&doomed)) abort();
    atomic_fetch_add(&ticks, 1);
}

static bool refuse(gantry_scope_t* scope) {
    const gantry_value_t* const why = conf->find_own(scope, GANTRY_BYTES("probe_refuse"));
    if (why == NULL) return true;
    conf->error(scope, why, conf->text(why), GANTRY_BYTES("take it out"));
    return false;
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** out) GANTRY_NOEXCEPT {
    (void)module;
    if (!refuse(top)) return false;
    instance_t* const instance = calloc(1, sizeof *instance);
    instance->generation = old == NULL ? 1 : ((instance_t*)old)->generation + 1;
    atomic_fetch_add(&prepared, 1);
    *out = instance;
    return true;
}

static bool configure(void* state, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    if (!refuse(scope)) return false;
    place_t* const place = calloc(1, sizeof *place);
    place->next = instance->places;
    instance->places = place;
    const gantry_value_t* const probe = conf->find(scope, GANTRY_BYTES("probe"));
    if (probe != NULL) {
        char after[128] = "", before[128] = "";
        const gantry_bytes_t behind = conf->text(conf->member(probe, GANTRY_BYTES("after")));
        const gantry_bytes_t ahead = conf->text(conf->member(probe, GANTRY_BYTES("before")));
        snprintf(after, sizeof after, "%.*s", (int)behind.size, behind.data);
        snprintf(before, sizeof before, "%.*s", (int)ahead.size, ahead.data);
        place->mode = conf->text(conf->find(scope, GANTRY_BYTES("probe.mode")));
        gantry_hook_t hook = {.size = sizeof hook,
                              .phase = "access",
                              .name = "probe",
                              .after = after,
                              .before = before,
                              .run = &access_hook,
                              .self = place};
        phase->add(scope, &hook);
        hook.phase = "log";
        hook.run = &log_hook;
        phase->add(scope, &hook);
        place->greeting = conf->member(probe, GANTRY_BYTES("greeting"));
        gantry_header_filter_t header = {
            .size = sizeof header, .name = "probe", .run = &greet, .self = place};
        if (place->greeting != NULL) filter->add_header_filter(scope, &header);
        header.name = "probe.shout";
        header.run = &add_shout;
        if (conf->boolean(conf->member(probe, GANTRY_BYTES("shout"))))
            filter->add_header_filter(scope, &header);
    }
    const gantry_value_t* const answer = conf->find_own(scope, GANTRY_BYTES("probe_answer"));
    if (answer == NULL) return true;
    const gantry_bytes_t which = conf->text(answer);
    gantry_hook_t hook = {.size = sizeof hook, .phase = "content", .name = "probe.answer", .self = instance};
    hook.run = is(which, "counts")   ? &counts
               : is(which, "echo")   ? &echo
               : is(which, "stream") ? &stream
                                     : &show_path;
    return phase->add(scope, &hook) == GANTRY_OK;
}

static void commit(void* state) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    atomic_fetch_add(&committed, 1);
    timer->every(host, 1000000, instance, &tick, &instance->ticking);
}

static void retire(void* state) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    if (instance->ticking != 0) timer->cancel(host, instance->ticking);
    while (instance->places != NULL) {
        place_t* const place = instance->places;
        instance->places = place->next;
        free(place);
    }
    free(instance);
    atomic_fetch_add(&retired, 1);
}

static const gantry_instance_1_t kInstance = {.size = sizeof kInstance,
                                              .prepare = &prepare,
                                              .configure = &configure,
                                              .commit = &commit,
                                              .retire = &retire};

static bool open_module(const gantry_host_t* given, void** module) GANTRY_NOEXCEPT {
    host = given;
    *module = NULL;
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    filter = host->get_extension(host, GANTRY_FILTER_1);
    async = host->get_extension(host, GANTRY_ASYNC_1);
    timer = host->get_extension(host, GANTRY_TIMER_1);
    logger = host->get_extension(host, GANTRY_LOG_1);
    if (host->get_extension(host, "gantry.nothing/1") != NULL) return false;
    return conf->declare(host, kKeys, sizeof kKeys / sizeof kKeys[0], sizeof kKeys[0]) == GANTRY_OK;
}

static void close_module(void* module) GANTRY_NOEXCEPT {
    (void)module;
}

static const void* get_extension(void* module, const char* id) GANTRY_NOEXCEPT {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &kInstance : NULL;
}

GANTRY_ENTRY("probe", "1.2.3", "Shows what the host does.", &open_module, &close_module, &get_extension);
