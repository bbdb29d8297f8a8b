/* What answers at once, or as fast as the client takes it. */
#include "kept.h"

#include <string.h>

static gantry_verdict_t answer_counters(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    text_t text = {.size = 0};
    say_counters(&text);
    say(&text, " loads=%d", ((instance_t*)self)->loads);
    return http->respond(exchange, bytes_of(&text)) == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

static gantry_verdict_t answer_facts(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    text_t text = {.size = 0};
    gantry_bytes_t rewritten, name, value;
    gantry_address_t peer, local;
    uint32_t fields = 0;
    (void)self;
    http->field(exchange, GANTRY_REQUEST, GANTRY_BYTES("x-rewritten"), &rewritten);
    while (http->field_at(exchange, GANTRY_REQUEST, fields, &name, &value)) ++fields;
    http->addresses(exchange, &peer, &local);
    const gantry_bytes_t parts[] = {http->method(exchange),
                                    http->target(exchange),
                                    http->path(exchange),
                                    http->query(exchange),
                                    http->host(exchange),
                                    http->scheme(exchange),
                                    http->protocol(exchange),
                                    http->client(exchange),
                                    rewritten,
                                    http->variable(exchange, GANTRY_BYTES("query.x")),
                                    http->variable(exchange, GANTRY_BYTES("conn.kept"))};
    for (uint32_t i = 0; i < COUNT_OF(parts); ++i) say(&text, "%.*s|", (int)parts[i].size, parts[i].data);
    say(&text, "%u|%u|%u", fields, peer.family, (unsigned)(local.port != 0));
    const bool is_strict = http->set_status(exchange, 99) == GANTRY_ERROR_ARGUMENT &&
                           http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("X"),
                                           GANTRY_BYTES("a\nb")) == GANTRY_ERROR_ARGUMENT;
    say(&text, "|%s", is_strict ? "strict" : "lax");
    http->set_status(exchange, 203);
    return http->respond(exchange, bytes_of(&text)) == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

/* ---- the body of the request, sent back */

static void echo_data(gantry_exchange_t* exchange, void* self, gantry_bytes_t data) GANTRY_NOEXCEPT {
    text_t* const text = self;
    (void)exchange;
    say(text, "%.*s", (int)data.size, data.data);
}
static void echo_end(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    http->respond(exchange, bytes_of(self));
}
static gantry_verdict_t answer_echo(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    text_t* const text = http->allocate(exchange, sizeof *text);
    (void)self;
    text->size = 0;
    const gantry_body_reader_t reader = {
        .size = sizeof reader, .on_data = &echo_data, .on_end = &echo_end, .self = text};
    return http->read_body(exchange, &reader) == GANTRY_OK ? GANTRY_DONE : GANTRY_FAIL;
}

/* ---- in pieces: a million bytes */

typedef struct stream {
    int left;
    bool is_over;
} stream_t;

static void pump(gantry_exchange_t* exchange, void* state) GANTRY_NOEXCEPT {
    static char piece[10000];
    stream_t* const stream = state;
    memset(piece, 'x', sizeof piece);
    while (stream->left > 0 && !http->is_congested(exchange)) {
        --stream->left;
        http->send_body(exchange, (gantry_bytes_t){piece, sizeof piece});
    }
    if (stream->left > 0 || stream->is_over) return;
    stream->is_over = true;
    http->finish(exchange);
}
static void end_stream(void* state) GANTRY_NOEXCEPT {
    (void)state;
    atomic_fetch_add(&counters.dropped, 1);
}
static gantry_verdict_t answer_stream(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    stream_t* const stream = http->allocate(exchange, sizeof *stream);
    (void)self;
    *stream = (stream_t){.left = 100};
    http->watch(exchange, stream, &pump, &end_stream);
    http->send_head(exchange, 1000000);
    pump(exchange, stream);
    return GANTRY_DONE;
}

/* ---- all of them */

answer_t find_answer(gantry_bytes_t name) {
    static const struct {
        const char* name;
        answer_t run;
    } kAll[] = {
        {"counters", &answer_counters}, {"facts", &answer_facts},     {"echo", &answer_echo},
        {"stream", &answer_stream},     {"store", &answer_store},     {"event", &answer_event},
        {"fetch", &answer_fetch},       {"metrics", &answer_metrics},
    };
    for (uint32_t i = 0; i < COUNT_OF(kAll); ++i) {
        if (is(name, kAll[i].name)) return kAll[i].run;
    }
    return NULL;
}
