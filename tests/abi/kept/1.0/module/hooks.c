/* Hooks of all phases, and filters of heads and bodies. */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

static const char note_key;

/* ---- hooks */

static gantry_verdict_t rewrite(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const gantry_bytes_t path = http->path(exchange);
    const size_t skipped = strlen("/old");
    (void)self;
    if (path.size <= skipped || memcmp(path.data, "/old/", skipped + 1) != 0) return GANTRY_NEXT;
    http->set_path(exchange, (gantry_bytes_t){path.data + skipped, path.size - skipped});
    http->set_field(exchange, GANTRY_REQUEST, GANTRY_BYTES("X-Rewritten"), GANTRY_BYTES("yes"));
    return GANTRY_NEXT;
}

/* Answers preflights: it is a hook that is asked for them. */
static gantry_verdict_t preaccess(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    gantry_bytes_t wanted;
    (void)self;
    http->set_note(exchange, &note_key, (void*)"noted");
    if (!is(http->method(exchange), "OPTIONS") ||
        !http->field(exchange, GANTRY_REQUEST, GANTRY_BYTES("access-control-request-method"), &wanted))
        return GANTRY_NEXT;
    http->set_status(exchange, 204);
    http->add_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("Access-Control-Allow-Methods"), wanted);
    return http->respond(exchange, GANTRY_BYTES("")) == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

static void count_drop(void* state) GANTRY_NOEXCEPT {
    free(state);
    atomic_fetch_add(&counters.dropped, 1);
}

static void resume_sleeper(void* state) GANTRY_NOEXCEPT {
    async->resume(host, ((sleeper_t*)state)->ticket, GANTRY_NEXT);
}

static void resume_elsewhere(void* state) GANTRY_NOEXCEPT {
    gantry_ticket_t* const ticket = state;
    async->resume(host, *ticket, GANTRY_NEXT);
    free(ticket);
}

void answer_sleeper(void* state) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    gantry_exchange_t* const exchange = async->exchange_of(host, sleeper->ticket);
    if (exchange == NULL) return;
    http->respond(exchange, bytes_of(&sleeper->text));
    async->resume(host, sleeper->ticket, GANTRY_DONE);
}

sleeper_t* put_to_sleep(gantry_exchange_t* exchange, void* instance) {
    sleeper_t* const sleeper = calloc(1, sizeof *sleeper);
    if (sleeper == NULL) return NULL;
    sleeper->instance = instance;
    sleeper->ticket = async->suspend(exchange, sleeper, &count_drop);
    return sleeper;
}

static gantry_verdict_t access_hook(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const gantry_value_t* const kept = self;
    const gantry_bytes_t mode = conf->text(conf->member(kept, GANTRY_BYTES("mode")));
    const uint64_t wait = (uint64_t)conf->integer(conf->member(kept, GANTRY_BYTES("wait")));
    if (is(mode, "allow")) return GANTRY_NEXT;
    if (is(mode, "deny")) {
        http->fail(exchange, 403, GANTRY_BYTES(""));
        return GANTRY_DONE;
    }
    sleeper_t* const sleeper = put_to_sleep(exchange, NULL);
    if (sleeper == NULL) return GANTRY_FAIL;
    if (is(mode, "later")) timer->resume_after(host, sleeper->ticket, wait, GANTRY_NEXT);
    if (is(mode, "timed")) timer->run_after(host, sleeper->ticket, wait, sleeper, &resume_sleeper);
    if (is(mode, "posted")) {
        say(&sleeper->text, "posted");
        async->post(host, sleeper->ticket, sleeper, &answer_sleeper);
    }
    if (is(mode, "blocking")) {
        gantry_ticket_t* const ticket = malloc(sizeof *ticket);
        *ticket = sleeper->ticket;
        async->run_blocking(host, ticket, &resume_elsewhere);
    }
    return GANTRY_WAIT;
}

/* What a connection to the peer begins with. */
static gantry_verdict_t precontent(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    (void)self;
    if (http->note(exchange, &note_key) == NULL) return GANTRY_FAIL;
    return upstream->set_preface(exchange, GANTRY_BYTES("kept\n")) == GANTRY_OK ? GANTRY_NEXT : GANTRY_FAIL;
}

static gantry_verdict_t log_hook(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    text_t text = {.size = 0};
    (void)self;
    atomic_fetch_add(&counters.logged, 1);
    say(&text, "seen status=%d sent=%d", (int)http->status(exchange), (int)http->is_head_sent(exchange));
    logger->write(host, GANTRY_INFO, bytes_of(&text));
    return GANTRY_NEXT;
}

/* ---- filters */

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
static bool pause_shout(void* state, gantry_sink_t* sink) GANTRY_NOEXCEPT {
    (void)state, (void)sink;
    return true;
}
static void drop_shout(void* state) GANTRY_NOEXCEPT {
    (void)state;
    atomic_fetch_add(&counters.dropped, 1);
}

static void add_shout(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    static const gantry_body_filter_t kShout = {.size = sizeof kShout,
                                                .on_data = &shout,
                                                .on_end = &end_shout,
                                                .on_pause = &pause_shout,
                                                .drop = &drop_shout};
    text_t size = {.size = 0};
    say(&size, "%llu", (unsigned long long)http->body_size(exchange));
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X-Size"), bytes_of(&size));
    filter->add_body_filter(exchange, &kShout, self);
}

static void greet(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    http->remove_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("Server"));
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X-Greeting"), http->evaluate(exchange, self));
}

static void mark_host(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    (void)self;
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X-Host"), GANTRY_BYTES("kept"));
}

/* ---- adding them */

/* Lists and tables of names arrive whole. */
static void look_at(const gantry_scope_t* scope, const gantry_value_t* kept) {
    const gantry_value_t* const sizes = conf->member(kept, GANTRY_BYTES("sizes"));
    const gantry_value_t* const names = conf->member(kept, GANTRY_BYTES("names"));
    text_t text = {.size = 0};
    if (sizes == NULL || names == NULL) return;
    say(&text, "place kind=%u name=%.*s around=%u", conf->kind(scope), (int)conf->name(scope).size,
        conf->name(scope).data, conf->kind(conf->parent(scope)));
    for (uint32_t i = 0; i < conf->count(sizes); ++i)
        say(&text, " size=%lld", (long long)conf->integer(conf->at(sizes, i)));
    for (uint32_t i = 0; i < conf->count(names); ++i) {
        const gantry_bytes_t name = conf->name_at(names, i), value = conf->text(conf->at(names, i));
        say(&text, " %.*s=%.*s", (int)name.size, name.data, (int)value.size, value.data);
        if (is(value, "bad"))
            conf->error(scope, conf->at(names, i), GANTRY_BYTES("a bad name"), GANTRY_BYTES("use another"));
        if (is(value, "odd"))
            conf->warning(scope, conf->at(names, i), GANTRY_BYTES("an odd name"),
                          GANTRY_BYTES("use another"));
    }
    logger->write(host, GANTRY_INFO, bytes_of(&text));
}

static bool add(gantry_scope_t* scope, const char* where, const char* name, answer_t run, const void* self) {
    const gantry_hook_t hook = {.size = sizeof hook,
                                .phase = where,
                                .name = name,
                                .after = "nobody",
                                .flags = strcmp(where, "preaccess") == 0 ? GANTRY_HOOK_PREFLIGHTS : 0,
                                .run = run,
                                .self = (void*)self};
    return phase->add(scope, &hook) == GANTRY_OK;
}

static bool add_filter(gantry_scope_t* scope, const char* name,
                       void (*run)(gantry_exchange_t*, void*) GANTRY_NOEXCEPT, const void* self) {
    const gantry_header_filter_t header = {
        .size = sizeof header, .name = name, .run = run, .self = (void*)self};
    return filter->add_header_filter(scope, &header) == GANTRY_OK;
}

bool add_hooks(instance_t* instance, gantry_scope_t* scope) {
    const gantry_value_t* const kept = conf->find(scope, GANTRY_BYTES("kept"));
    const gantry_value_t* const answer = conf->find_own(scope, GANTRY_BYTES("kept_answer"));
    bool is_added = true;
    if (kept != NULL) {
        const gantry_value_t* const greeting = conf->member(kept, GANTRY_BYTES("greeting"));
        look_at(scope, kept);
        is_added = add(scope, "rewrite", "kept", &rewrite, NULL) &&
                   add(scope, "preaccess", "kept", &preaccess, NULL) &&
                   add(scope, "access", "kept", &access_hook, kept) &&
                   add(scope, "precontent", "kept", &precontent, NULL) &&
                   add(scope, "log", "kept", &log_hook, NULL);
        if (greeting != NULL) is_added = is_added && add_filter(scope, "kept.greet", &greet, greeting);
        if (conf->boolean(conf->member(kept, GANTRY_BYTES("shout"))))
            is_added = is_added && add_filter(scope, "kept.shout", &add_shout, NULL);
    }
    if (answer == NULL) return is_added;
    if (find_answer(conf->text(answer)) == NULL) {
        conf->error(scope, answer, GANTRY_BYTES("nothing answers that way"), GANTRY_BYTES("see answers.c"));
        return false;
    }
    return is_added && add(scope, "content", "kept.answer", find_answer(conf->text(answer)), instance);
}

bool add_to_host(gantry_scope_t* scope) {
    return add_filter(scope, "kept.host", &mark_host, NULL);
}
