/* What the modules of this folder have in common: each breaks one contract of the SDK. In the first comment
 * of each, `contract:` is what gantry has to say of it behind its name, and `when:` at what: "load" and no
 * more, for which `gantry module check` suffices; "configure", with a configuration that has its key;
 * "request", when it is asked something; "answer", when it answers; "proxy", when what it let pass is proxied
 * to somebody who does not answer. */
#ifndef GANTRY_TESTS_CONTRACT_H
#define GANTRY_TESTS_CONTRACT_H

#include <gantry/gantry.h>
#include <string.h>

static const gantry_host_t* host;
static const gantry_log_1_t* logger;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;
static const gantry_filter_1_t* filter;
static const gantry_async_1_t* async;
static const gantry_timer_1_t* timer;
static const gantry_metrics_1_t* metrics;
static const gantry_conn_1_t* conn;

/* What a fixture does; NULL: nothing there. */
typedef struct broken {
    bool (*prepare)(gantry_scope_t* top);
    void (*commit)(void);
    bool (*configure)(gantry_scope_t* scope);
    gantry_verdict_t (*listen)(gantry_conn_t* connection);
    gantry_verdict_t (*access)(gantry_exchange_t* exchange, void* self);
    gantry_verdict_t (*content)(gantry_exchange_t* exchange, void* self);
    gantry_verdict_t (*log)(gantry_exchange_t* exchange, void* self);
    void (*head)(gantry_exchange_t* exchange, void* self);
} broken_t;
static const broken_t broken;

static const gantry_key_t broken_keys[] = {
    {.name = "broken",
     .type = GANTRY_TYPE_BOOLEAN,
     .scopes = GANTRY_IN_SERVER | GANTRY_IN_LOCATION | GANTRY_IN_LISTENER,
     .standard = "true",
     .example = "true",
     .doc = "Breaks it."},
    {.name = "broken_answer",
     .type = GANTRY_TYPE_BOOLEAN,
     .scopes = GANTRY_IN_LOCATION,
     .flags = GANTRY_KEY_HANDLER,
     .example = "true",
     .doc = "Answers."},
};

static gantry_verdict_t broken_conn(gantry_conn_t* connection, void* self, gantry_bytes_t bytes,
                                    uint32_t more, uint32_t* taken) {
    (void)self, (void)bytes, (void)more, (void)taken;
    return broken.listen(connection);
}

static bool broken_open(const gantry_host_t* given, void** module) {
    host = given;
    logger = host->get_extension(host, GANTRY_LOG_1);
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    filter = host->get_extension(host, GANTRY_FILTER_1);
    async = host->get_extension(host, GANTRY_ASYNC_1);
    timer = host->get_extension(host, GANTRY_TIMER_1);
    metrics = host->get_extension(host, GANTRY_METRICS_1);
    conn = host->get_extension(host, GANTRY_CONN_1);
    *module = NULL;
    return conf->declare(host, broken_keys, 2, sizeof(broken_keys[0])) == GANTRY_OK;
}

static void broken_close(void* module) {
    (void)module;
    /* Not all of them are used by each. */
    (void)logger, (void)http, (void)phase, (void)filter, (void)async, (void)timer, (void)metrics, (void)conn;
}

static bool broken_prepare(void* module, gantry_scope_t* top, void* old, void** instance) {
    (void)module, (void)old;
    *instance = (void*)"instance";
    return broken.prepare == NULL || broken.prepare(top);
}

static bool broken_configure(void* instance, gantry_scope_t* scope) {
    gantry_hook_t hook = {.size = sizeof hook, .name = "broken", .self = instance};
    const gantry_header_filter_t head = {.size = sizeof head, .name = "broken", .run = broken.head};
    if (broken.configure != NULL && !broken.configure(scope)) return false;
    hook.phase = "access";
    hook.run = broken.access;
    if (hook.run != NULL && phase->add(scope, &hook) != GANTRY_OK) return false;
    hook.phase = "content";
    hook.run = broken.content;
    if (hook.run != NULL && conf->find_own(scope, GANTRY_BYTES("broken_answer")) != NULL &&
        phase->add(scope, &hook) != GANTRY_OK)
        return false;
    hook.phase = "log";
    hook.run = broken.log;
    if (hook.run != NULL && phase->add(scope, &hook) != GANTRY_OK) return false;
    return head.run == NULL || filter->add_header_filter(scope, &head) == GANTRY_OK;
}

static bool broken_configure_listener(void* instance, gantry_scope_t* scope) {
    const gantry_conn_filter_t one = {
        .size = sizeof one, .name = "broken", .run = broken_conn, .self = instance};
    return broken.listen == NULL || conn->add(scope, &one) == GANTRY_OK;
}

static void broken_commit(void* instance) {
    (void)instance;
    if (broken.commit != NULL) broken.commit();
}

static void broken_retire(void* instance) {
    (void)instance;
}

static const gantry_instance_1_t broken_instance = {.size = sizeof(gantry_instance_1_t),
                                                    .prepare = broken_prepare,
                                                    .configure = broken_configure,
                                                    .commit = broken_commit,
                                                    .retire = broken_retire,
                                                    .configure_listener = broken_configure_listener};

static const void* broken_get_extension(void* module, const char* id) {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &broken_instance : NULL;
}

#define BROKEN(name) \
    GANTRY_ENTRY(name, "1.0", "breaks a contract", broken_open, broken_close, broken_get_extension)

#endif
