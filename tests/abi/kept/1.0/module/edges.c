/* Beside the requests: events, routes, connections, hellos, certificates and peers. */
#include "kept.h"

#include <stdio.h>
#include <string.h>

/* ---- events and routes */

/* The first attempt waits, and is settled at once. */
static gantry_verdict_t hear(void* self, const gantry_event_t* event,
                             gantry_delivery_t delivery) GANTRY_NOEXCEPT {
    (void)self;
    if (is(event->type, "kept.asked") && is(event->subject, "subject") && is(event->source, "kept-1-0"))
        atomic_fetch_add(&counters.heard, 1);
    events->settle(host, delivery, true);
    return GANTRY_WAIT;
}

static void show_counters(void* self, const gantry_call_t* call) GANTRY_NOEXCEPT {
    text_t text = {.size = 0}, json = {.size = 0};
    say_counters(&text);
    say(&json, "{\"text\": \"%s\", \"loads\": %d}", text.data, ((instance_t*)self)->loads);
    control->answer(host, call->reply, 200, bytes_of(&json));
}

static void echo_word(void* self, const gantry_call_t* call) GANTRY_NOEXCEPT {
    gantry_bytes_t word;
    text_t json = {.size = 0};
    (void)self;
    if (!control->argument(call, GANTRY_BYTES("word"), &word) || is(word, "none")) {
        control->refuse(host, call->reply, 400, GANTRY_BYTES("there is no word"), GANTRY_BYTES("name one"));
        return;
    }
    say(&json, "{\"text\": \"%.*s\"}", (int)word.size, word.data);
    control->answer(host, call->reply, 200, bytes_of(&json));
}

/* ---- hellos */

static gantry_verdict_t hello(gantry_hello_t* hello, void* self) GANTRY_NOEXCEPT {
    const instance_t* const instance = self;
    const gantry_bytes_t name = tls->server_name(hello);
    gantry_address_t peer, local;
    tls->client(hello, &peer);
    tls->local(hello, &local);
    if (peer.family == 4 && local.port != 0 && tls->listener(hello).size > 0)
        atomic_fetch_add(&counters.hellos, 1);
    if (is(name, "refused.test")) {
        tls->refuse(hello, 112);
        return GANTRY_FAIL;
    }
    if (!is(tls->protocol(hello, 0), "kept/1")) return GANTRY_NEXT;
    return tls->use(hello, instance->certificate, GANTRY_BYTES("kept/1")) == GANTRY_OK ? GANTRY_DONE
                                                                                       : GANTRY_FAIL;
}

/* Those of prepare(). */
bool subscribe_and_mount(instance_t* instance, gantry_scope_t* top) {
    const gantry_subscription_t subscription = {.size = sizeof subscription,
                                                .name = "ear",
                                                .types = "kept.*",
                                                .deliver = &hear,
                                                .self = instance,
                                                .flags = GANTRY_EVENTS_FROM_OLDEST};
    const gantry_route_t shown = {
        .size = sizeof shown, .method = "GET", .path = "counters", .run = &show_counters, .self = instance};
    const gantry_route_t echoed = {
        .size = sizeof echoed, .method = "POST", .path = "echo", .run = &echo_word, .self = instance};
    const gantry_hello_hook_t hook = {.size = sizeof hook, .name = "kept", .run = &hello, .self = instance};
    return events->subscribe(top, &subscription) == GANTRY_OK && control->mount(top, &shown) == GANTRY_OK &&
           control->mount(top, &echoed) == GANTRY_OK && tls->add_hello(top, &hook) == GANTRY_OK;
}

/* ---- certificates */

bool want(void* state, gantry_scope_t* scope, const gantry_bytes_t* names, uint32_t count) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    const gantry_value_t* const path = conf->find(scope, GANTRY_BYTES("kept_pem"));
    gantry_certificate_report_t report = {.size = sizeof report};
    char name[512], pem[16384];
    if (path == NULL) return true;
    snprintf(name, sizeof name, "%.*s", (int)conf->text(path).size, conf->text(path).data);
    FILE* const file = fopen(name, "rb");
    if (file == NULL) return false;
    const size_t size = fread(pem, 1, sizeof pem, file);
    fclose(file);
    const gantry_certificate_pem_t given = {.size = sizeof given, .chain = {pem, size}};
    return tls->make(host, &given, &instance->certificate, &report) == GANTRY_OK &&
           tls->offer(host, names, count, &instance->certificate, 1, &report) == GANTRY_OK;
}

/* ---- connections: they begin with the word of their listener */

static gantry_verdict_t knock(gantry_conn_t* connection, void* self, gantry_bytes_t bytes, uint32_t more,
                              uint32_t* taken) GANTRY_NOEXCEPT {
    const gantry_bytes_t word = conf->text(self);
    gantry_address_t peer, local;
    if (bytes.size < word.size) return more == GANTRY_CONN_OPEN ? GANTRY_WAIT : GANTRY_FAIL;
    if (memcmp(bytes.data, word.data, word.size) != 0) return GANTRY_FAIL;
    conn->client(connection, &peer);
    conn->local(connection, &local);
    peer.ip[15] = 77;
    conn->set_client(connection, &peer);
    conn->set_local(connection, &local);
    conn->set_fact(connection, GANTRY_BYTES("kept"), conn->listener(connection));
    *taken = (uint32_t)word.size;
    return GANTRY_NEXT;
}

bool configure_listener(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    const gantry_value_t* const word = conf->find_own(scope, GANTRY_BYTES("kept_knock"));
    (void)instance;
    if (word == NULL) return true;
    const gantry_conn_filter_t one = {.size = sizeof one,
                                      .name = "kept",
                                      .run = &knock,
                                      .self = (void*)word,
                                      .most = (uint32_t)conf->text(word).size,
                                      .deadline = 10000000000};
    return conn->add(scope, &one) == GANTRY_OK;
}

/* ---- peers */

static uint32_t pick(gantry_exchange_t* exchange, void* self, const gantry_candidate_t* candidates,
                     size_t candidate_size, uint32_t count) GANTRY_NOEXCEPT {
    const instance_t* const instance = self;
    (void)exchange;
    for (uint32_t i = 0; i < count; ++i) {
        const gantry_candidate_t* const one = (const void*)((const char*)candidates + i * candidate_size);
        if (one->address.size != instance->peer.size ||
            memcmp(one->address.data, instance->peer.data, one->address.size) != 0)
            continue;
        atomic_fetch_add(&counters.picked, 1);
        return i;
    }
    return GANTRY_PICK_BALANCER;
}

bool configure_upstream(void* state, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    instance_t* const instance = state;
    const gantry_value_t* const peer = conf->find_own(scope, GANTRY_BYTES("kept_peer"));
    const gantry_picker_t picker = {.size = sizeof picker, .name = "kept", .pick = &pick, .self = instance};
    if (peer == NULL) return true;
    instance->peer = conf->text(peer);
    instance->peers = upstream->peers(scope);
    return instance->peers != NULL && upstream->set_picker(scope, &picker) == GANTRY_OK;
}

void publish_peers(instance_t* instance) {
    const gantry_peer_t peer = {.address = instance->peer, .weight = 1};
    if (instance->peers != NULL) upstream->set_peers(instance->peers, &peer, sizeof peer, 1);
}
