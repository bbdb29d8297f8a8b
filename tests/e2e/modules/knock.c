/* Serves connections that begin with "knock", behind whatever the module proxy-protocol takes; with
 * BROKEN, it takes more than it saw. */
#include "gantry/gantry.h"

#include <string.h>

static const gantry_conf_1_t* conf;
static const gantry_conn_1_t* conn;

static const gantry_key_t keys[] = {{
    .name = "knock",
    .type = GANTRY_TYPE_TIMESPAN,
    .scopes = GANTRY_IN_LISTENER,
    .example = "\"1s\"",
    .doc = "How long to wait for the word.",
    .least = 1000000,
    .most = 60000000000,
}};

static gantry_verdict_t run(gantry_conn_t* connection, void* self, gantry_bytes_t bytes, uint32_t more,
                            uint32_t* taken) {
    (void)self;
    if (more == GANTRY_CONN_LATE) {
        conn->set_fact(connection, (gantry_bytes_t){"late", 4}, (gantry_bytes_t){"yes", 3});
        return GANTRY_NEXT;
    }
    if (bytes.size < 5) return GANTRY_WAIT;
    if (memcmp(bytes.data, "knock", 5) != 0) return GANTRY_FAIL;
#ifdef BROKEN
    *taken = 6;
#else
    *taken = 5;
#endif
    return GANTRY_NEXT;
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) {
    (void)top, (void)old;
    *instance = module;
    return true;
}
static bool configure_listener(void* instance, gantry_scope_t* scope) {
    const gantry_value_t* wait = conf->find(scope, (gantry_bytes_t){"knock", 5});
    const gantry_conn_filter_t filter = {
        .size = sizeof filter,
        .most = 5,
        .deadline = (uint64_t)conf->integer(wait),
        .name = "knock",
        .after = "proxy-protocol",
        .run = run,
        .self = instance,
    };
    return conn->add(scope, &filter) == GANTRY_OK;
}
static void retire(void* instance) {
    (void)instance;
}

static bool open_module(const gantry_host_t* host, void** module) {
    conf = host->get_extension(host, GANTRY_CONF_1);
    conn = host->get_extension(host, GANTRY_CONN_1);
    *module = &conf;
    return conf != NULL && conn != NULL &&
           conf->declare(host, keys, sizeof keys / sizeof *keys, sizeof *keys) == GANTRY_OK;
}
static void close_module(void* module) {
    (void)module;
}
static const void* get_extension(void* module, const char* id) {
    static const gantry_instance_1_t instance = {
        .size = sizeof instance,
        .prepare = prepare,
        .retire = retire,
        .configure_listener = configure_listener,
    };
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &instance : NULL;
}

GANTRY_ENTRY("knock", "1.0.0", "Serves who knocks.", open_module, close_module, get_extension);
