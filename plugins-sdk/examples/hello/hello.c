/* The smallest module in C: the key `hello` makes a location answer with a greeting. */
#include "gantry/gantry.h"

#include <string.h>

static const gantry_host_t* host;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;

static const gantry_key_t keys[] = {{
    .name = "hello",
    .type = GANTRY_TYPE_TEMPLATE,
    .scopes = GANTRY_IN_LOCATION,
    .flags = GANTRY_KEY_HANDLER,
    .example = "\"Hello, ${remote_addr}\"",
    .doc = "Answers every request with this text.",
}};

static gantry_verdict_t handle(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("Content-Type"), GANTRY_BYTES("text/plain"));
    http->respond(exchange, http->evaluate(exchange, (const gantry_value_t*)self));
    return GANTRY_DONE;
}

static bool configure(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    const gantry_value_t* greeting = conf->find_own(scope, GANTRY_BYTES("hello"));
    gantry_hook_t hook = {.size = sizeof(hook), .phase = "content", .name = "hello", .run = handle};
    (void)instance;
    if (greeting == NULL) return true;
    hook.self = (void*)greeting; /* a value lives as long as the instance */
    return phase->add(scope, &hook) == GANTRY_OK;
}

/* It keeps nothing in an instance, so any address will do. */
static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) GANTRY_NOEXCEPT {
    (void)top, (void)old;
    *instance = module;
    return true;
}

static void retire(void* instance) GANTRY_NOEXCEPT {
    (void)instance;
}

static const gantry_instance_1_t instance_table = {
    .size = sizeof(instance_table), .prepare = prepare, .configure = configure, .retire = retire};

static bool open_module(const gantry_host_t* given, void** module) GANTRY_NOEXCEPT {
    host = given;
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    if (conf == NULL || http == NULL || phase == NULL) return false;
    *module = &host;
    return conf->declare(host, keys, 1, sizeof(gantry_key_t)) == GANTRY_OK;
}

static void close_module(void* module) GANTRY_NOEXCEPT {
    (void)module;
}

static const void* get_extension(void* module, const char* id) GANTRY_NOEXCEPT {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &instance_table : NULL;
}

GANTRY_ENTRY("hello", "1.0.0", "Answers with a greeting.", open_module, close_module, get_extension);
