/* What a hook of a module costs: an access check that looks at a field, and one that waits before it lets
 * pass. */
#include "gantry/gantry.h"

#include <string.h>

static const gantry_host_t* host;
static const gantry_conf_1_t* conf;
static const gantry_phase_1_t* phase;
static const gantry_http_1_t* http;
static const gantry_async_1_t* async;

static const char* const kinds[] = {"look", "wait", NULL};
static const gantry_key_t keys[] = {{
    .name = "bench",
    .type = GANTRY_TYPE_CHOICE,
    .scopes = GANTRY_IN_LOCATION,
    .example = "\"look\"",
    .doc = "What is done before a request is answered.",
    .choices = kinds,
}};

static gantry_verdict_t look(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    gantry_bytes_t secret;
    (void)self;
    if (!http->field(exchange, GANTRY_REQUEST, GANTRY_BYTES("X-Secret"), &secret)) return GANTRY_NEXT;
    http->fail(exchange, 403, GANTRY_BYTES(""));
    return GANTRY_DONE;
}

/* As if the answer came from another thread. */
static gantry_verdict_t pause_first(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    const gantry_ticket_t ticket = async->suspend(exchange, NULL, NULL);
    (void)self;
    return async->resume(host, ticket, GANTRY_NEXT) == GANTRY_OK ? GANTRY_WAIT : GANTRY_FAIL;
}

static bool configure(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    const gantry_value_t* kind = conf->find_own(scope, GANTRY_BYTES("bench"));
    gantry_hook_t hook = {.size = sizeof(hook), .phase = "access", .name = "bench"};
    (void)instance;
    if (kind == NULL) return true;
    hook.run = conf->text(kind).data[0] == 'l' ? look : pause_first;
    return phase->add(scope, &hook) == GANTRY_OK;
}

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
    phase = host->get_extension(host, GANTRY_PHASE_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    async = host->get_extension(host, GANTRY_ASYNC_1);
    if (conf == NULL || phase == NULL || http == NULL || async == NULL) return false;
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

GANTRY_ENTRY("bench", "1.0.0", "Hooks to be measured.", open_module, close_module, get_extension);
