/* What answers later: the store, step by step; an event, once it is kept; another server; and all that is
 * counted. */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal) GANTRY_BYTES(literal)

/* ---- the store: each answer leads to the next question */

static void stored(void* state, const gantry_store_answer_t* answer) GANTRY_NOEXCEPT;

static gantry_result_t ask(sleeper_t* sleeper) {
    const gantry_store_reply_t reply = {.ticket = sleeper->ticket, .state = sleeper, .done = &stored};
    switch (sleeper->step) {
        case 0:
            return store->put(host, TEXT("key"), TEXT("value"), 0, GANTRY_ANY_VERSION, &reply);
        case 1:
            return store->get(host, TEXT("key"), &reply);
        case 2:
            return store->list(host, TEXT("k"), TEXT(""), 10, &reply);
        case 3:
            return store->add(host, TEXT("count"), 2, 0, &reply);
        case 4:
            return store->append(host, TEXT("stream"), TEXT("entry"), 10, &reply);
        case 5:
            return store->read(host, TEXT("stream"), 0, 10, &reply);
        case 6:
            return store->claim(host, TEXT("stream"), TEXT("group"), 1, 60000000000, 1, &reply);
        case 7:
            return store->reject(host, TEXT("stream"), TEXT("group"), sleeper->id, 0, &reply);
        case 8:
            return store->claim(host, TEXT("stream"), TEXT("group"), 1, 60000000000, 1, &reply);
        case 9:
            return store->dead(host, TEXT("stream"), TEXT("group"), 0, 10, &reply);
        case 10:
            return store->acknowledge(host, TEXT("stream"), TEXT("group"), &sleeper->id, 1, &reply);
        case 11:
            return store->erase(host, TEXT("key"), GANTRY_ANY_VERSION, &reply);
        default:
            return GANTRY_ERROR_STALE;
    }
}

static void stored(void* state, const gantry_store_answer_t* answer) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    say(&sleeper->text, "%d:%d,%zu,%lld ", sleeper->step, (int)answer->outcome, answer->entry_count,
        (long long)answer->count);
    if (sleeper->step == 1 && !is(answer->entries[0].value, "value")) say(&sleeper->text, "another value ");
    if (sleeper->step == 4) sleeper->id = answer->id;
    ++sleeper->step;
    if (ask(sleeper) != GANTRY_OK) answer_sleeper(sleeper);
}

gantry_verdict_t answer_store(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = put_to_sleep(exchange, self);
    return sleeper != NULL && ask(sleeper) == GANTRY_OK ? GANTRY_WAIT : GANTRY_FAIL;
}

/* ---- events */

static void published(void* state, const gantry_store_answer_t* answer) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    say(&sleeper->text, "published %d", (int)answer->outcome);
    answer_sleeper(sleeper);
}

gantry_verdict_t answer_event(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = put_to_sleep(exchange, self);
    if (sleeper == NULL) return GANTRY_FAIL;
    const gantry_store_reply_t reply = {.ticket = sleeper->ticket, .state = sleeper, .done = &published};
    return events->publish(host, TEXT("kept.asked"), TEXT("subject"), TEXT("{}"), &reply) == GANTRY_OK
               ? GANTRY_WAIT
               : GANTRY_FAIL;
}

/* ---- another server: a streamed request and a streamed answer, and one that is given up at once */

static void fetched_head(void* state, const gantry_client_answer_t* answer) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    client->pause(host, sleeper->fetch);
    say(&sleeper->text, "status=%d ", (int)answer->status);
    client->resume(host, sleeper->fetch);
}
static void fetched_body(void* state, gantry_bytes_t data) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    say(&sleeper->text, "%.*s", (int)data.size, data.data);
}
static void fetched(void* state, const gantry_client_answer_t* answer) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    say(&sleeper->text, " end=%d", (int)answer->end);
    answer_sleeper(sleeper);
}
static void writable(void* state) GANTRY_NOEXCEPT {
    sleeper_t* const sleeper = state;
    if (sleeper->step != 0) return;
    if (client->write(host, sleeper->fetch, TEXT("asked")) != GANTRY_OK) return;
    sleeper->step = 1;
    client->finish(host, sleeper->fetch);
}
static void given_up(void* state, const gantry_client_answer_t* answer) GANTRY_NOEXCEPT {
    say(&((sleeper_t*)state)->text, "given up=%d ", (int)answer->end);
}

gantry_verdict_t answer_fetch(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const instance_t* const instance = self;
    const gantry_field_t field = {TEXT("X-Kept"), TEXT("1.0")};
    gantry_fetch_t other;
    sleeper_t* sleeper;
    if (instance->target == NULL || (sleeper = put_to_sleep(exchange, self)) == NULL) return GANTRY_FAIL;
    const gantry_client_request_t request = {.size = sizeof request,
                                             .flags = GANTRY_FETCH_STREAMED_BODY,
                                             .target = instance->target,
                                             .method = TEXT("POST"),
                                             .path = TEXT("/kept"),
                                             .fields = &field,
                                             .field_count = 1,
                                             .body_size = UINT64_MAX};
    const gantry_client_events_t told = {.size = sizeof told,
                                         .ticket = sleeper->ticket,
                                         .state = sleeper,
                                         .on_end = &fetched,
                                         .on_head = &fetched_head,
                                         .on_body = &fetched_body,
                                         .on_writable = &writable};
    const gantry_client_events_t cancelled = {
        .size = sizeof cancelled, .ticket = sleeper->ticket, .state = sleeper, .on_end = &given_up};
    if (client->request(host, &request, &cancelled, &other) != GANTRY_OK ||
        client->cancel(host, other) != GANTRY_OK ||
        client->request(host, &request, &told, &sleeper->fetch) != GANTRY_OK)
        return GANTRY_FAIL;
    writable(sleeper);
    return GANTRY_WAIT;
}

/* ---- all that is counted, read where it may take its time */

typedef struct walker {
    sleeper_t* sleeper;
    gantry_ticket_t ticket;
    bool is_mine;
    text_t text;
} walker_t;

static void on_metric(void* state, const gantry_metric_view_t* metric) GANTRY_NOEXCEPT {
    walker_t* const walker = state;
    walker->is_mine = metric->name.size > 15 && memcmp(metric->name.data, "gantry_kept_1_0", 15) == 0;
    if (walker->is_mine) say(&walker->text, "%.*s ", (int)metric->name.size, metric->name.data);
}
static void on_sample(void* state, const gantry_sample_t* sample) GANTRY_NOEXCEPT {
    walker_t* const walker = state;
    if (!walker->is_mine) return;
    if (sample->label_count > 0)
        say(&walker->text, "%.*s=%.*s ", (int)sample->labels[0].size, sample->labels[0].data,
            (int)sample->values[0].size, sample->values[0].data);
    if (sample->buckets != NULL)
        say(&walker->text, "sum=%llu ", (unsigned long long)sample->sum);
    else
        say(&walker->text, "value=%lld ", (long long)sample->value);
}

static void tell(void* state) GANTRY_NOEXCEPT {
    walker_t* const walker = state;
    if (async->exchange_of(host, walker->ticket) != NULL) {
        walker->sleeper->text = walker->text;
        answer_sleeper(walker->sleeper);
    }
    free(walker);
}

static void walk(void* state) GANTRY_NOEXCEPT {
    static const gantry_metric_visitor_t kVisitor = {
        .size = sizeof kVisitor, .on_metric = &on_metric, .on_sample = &on_sample};
    walker_t* const walker = state;
    gantry_walk_t* const place = metrics->begin_walk(host);
    while (metrics->walk(place, 100, &kVisitor, walker)) continue;
    metrics->end_walk(place);
    async->post(host, walker->ticket, walker, &tell);
}

gantry_verdict_t answer_metrics(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    instance_t* const instance = self;
    sleeper_t* const sleeper = put_to_sleep(exchange, self);
    walker_t* const walker = calloc(1, sizeof *walker);
    if (sleeper == NULL || walker == NULL) return GANTRY_FAIL;
    metrics->add(host, instance->answers, 3);
    metrics->set(host, instance->level, 7);
    metrics->observe(host, instance->times, 5000);
    walker->sleeper = sleeper;
    walker->ticket = sleeper->ticket;
    return async->run_blocking(host, walker, &walk) == GANTRY_OK ? GANTRY_WAIT : GANTRY_FAIL;
}
