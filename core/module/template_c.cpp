#include "core/module/project.hpp"

namespace gantry::module {

std::string_view c_template() {
    return R"(/* The key `@key@` of a location: answers with a text. */
#include <gantry/gantry.h>
#include <string.h>

static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;

static const gantry_key_t keys[] = {{
    .name = "@key@",
    .type = GANTRY_TYPE_TEMPLATE,
    .scopes = GANTRY_IN_LOCATION,
    .flags = GANTRY_KEY_HANDLER,
    .example = "\"Hello, ${remote_addr}\"",
    .doc = "Answers every request with this text.",
}};

/* Asked for each request, on the worker that it belongs to: nothing here may wait. */
static gantry_verdict_t handle(gantry_exchange_t* exchange, void* self) {
    const gantry_value_t* text = self;
    http->set_field(exchange, GANTRY_RESPONSE, GANTRY_BYTES("Content-Type"), GANTRY_BYTES("text/plain; charset=utf-8"));
    http->respond(exchange, http->evaluate(exchange, text));
    return GANTRY_DONE;
}

/* Asked for each location that has the key, whenever the configuration is loaded. */
static bool configure(void* instance, gantry_scope_t* scope) {
    const gantry_value_t* text = conf->find_own(scope, GANTRY_BYTES("@key@"));
    gantry_hook_t hook = {.size = sizeof(hook), .phase = "content", .name = "@name@", .run = handle};
    (void)instance;
    if (text == NULL) return true; /* this location has nothing to do with us */
    if (conf->text(text).size == 0) {
        conf->error(scope, text, GANTRY_BYTES("@key@ has no text"), GANTRY_BYTES("write what is to be answered"));
        return false;
    }
    hook.self = (void*)text; /* a value lives as long as the instance */
    return phase->add(scope, &hook) == GANTRY_OK;
}

/* An instance is what one load of the configuration needs. This module needs nothing, so any address will do. */
static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) {
    (void)top, (void)old;
    *instance = module;
    return true;
}

static void retire(void* instance) {
    (void)instance;
}

static const gantry_instance_1_t instance_table = {
    .size = sizeof(instance_table), .prepare = prepare, .configure = configure, .retire = retire};

/* Asked once, before anything else. */
static bool open_module(const gantry_host_t* host, void** module) {
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    if (conf == NULL || http == NULL || phase == NULL) return false;
    *module = &conf;
    return conf->declare(host, keys, 1, sizeof(gantry_key_t)) == GANTRY_OK;
}

static void close_module(void* module) {
    (void)module;
}

static const void* get_extension(void* module, const char* id) {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &instance_table : NULL;
}

GANTRY_ENTRY("@name@", "0.1.0", "Answers with a text.", open_module, close_module, get_extension);
)";
}

}  // namespace gantry::module
