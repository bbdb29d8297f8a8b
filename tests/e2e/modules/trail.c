/* Hooks in all phases and a header filter that write down who came when. Built as several modules:
 * -DNAME="first". */
#include "gantry/gantry.h"

#include <stdio.h>
#include <string.h>

static const gantry_host_t* host;
static const gantry_conf_1_t* conf;
static const gantry_http_1_t* http;
static const gantry_phase_1_t* phase;
static const gantry_filter_1_t* filter;
static const gantry_log_1_t* logger;

static const gantry_key_t kMembers[] = {
    {.name = "before", .type = GANTRY_TYPE_STRING, .example = "\"other\"", .doc = "Whom it is before."},
    {.name = "after", .type = GANTRY_TYPE_STRING, .example = "\"other\"", .doc = "Whom it is after."},
};
static const gantry_key_t kKeys[] = {
    {.name = NAME,
     .type = GANTRY_TYPE_TABLE,
     .scopes = GANTRY_IN_SERVER | GANTRY_IN_HOST | GANTRY_IN_LOCATION,
     .keys = kMembers,
     .key_count = sizeof kMembers / sizeof kMembers[0],
     .example = "{}",
     .doc = "Writes down when it came."},
};

/* "what.NAME" behind what is in the field X-Trail. */
static void write_down(gantry_exchange_t* exchange, uint32_t message, const char* what) {
    static const gantry_bytes_t kField = GANTRY_BYTES("X-Trail");
    gantry_bytes_t before = {"", 0};
    char text[1024];
    http->field(exchange, message, kField, &before);
    const int size = snprintf(text, sizeof text, "%.*s%s%s." NAME, (int)before.size, before.data,
                              before.size == 0 ? "" : " ", what);
    http->set_field(exchange, message, kField, (gantry_bytes_t){text, (size_t)size});
}

static gantry_verdict_t pass(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    write_down(exchange, GANTRY_REQUEST, self);
    return GANTRY_NEXT;
}

static gantry_verdict_t note(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    (void)exchange;
    (void)self;
    logger->write(host, GANTRY_INFO, GANTRY_BYTES("log." NAME));
    return GANTRY_NEXT;
}

static void head(gantry_exchange_t* exchange, void* self) GANTRY_NOEXCEPT {
    write_down(exchange, GANTRY_RESPONSE, self);
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) GANTRY_NOEXCEPT {
    (void)top;
    (void)old;
    *instance = module;
    return true;
}

static bool configure(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT {
    static const char* const kPhases[] = {"precontent", "access", "preaccess",
                                          "rewrite"}; /* not as they run */
    const gantry_value_t* const own = conf->find(scope, GANTRY_BYTES(NAME));
    char before[64] = "";
    char after[64] = "";
    (void)instance;
    if (own == NULL) return true;
    const gantry_bytes_t ahead = conf->text(conf->member(own, GANTRY_BYTES("before")));
    const gantry_bytes_t behind = conf->text(conf->member(own, GANTRY_BYTES("after")));
    snprintf(before, sizeof before, "%.*s", (int)ahead.size, ahead.data);
    snprintf(after, sizeof after, "%.*s", (int)behind.size, behind.data);
    gantry_hook_t hook = {.size = sizeof hook, .name = NAME, .before = before, .after = after, .run = &pass};
    for (size_t i = 0; i < sizeof kPhases / sizeof kPhases[0]; ++i) {
        hook.phase = kPhases[i];
        hook.self = (void*)kPhases[i];
        if (phase->add(scope, &hook) != GANTRY_OK) return false;
    }
    hook.phase = "log";
    hook.run = &note;
    const gantry_header_filter_t last = {.size = sizeof last,
                                         .name = NAME,
                                         .before = before,
                                         .after = after,
                                         .run = &head,
                                         .self = (void*)"head"};
    return phase->add(scope, &hook) == GANTRY_OK && filter->add_header_filter(scope, &last) == GANTRY_OK;
}

static void retire(void* instance) GANTRY_NOEXCEPT {
    (void)instance;
}

static const gantry_instance_1_t kInstance = {
    .size = sizeof kInstance, .prepare = &prepare, .configure = &configure, .retire = &retire};

static bool open_module(const gantry_host_t* given, void** module) GANTRY_NOEXCEPT {
    host = given;
    *module = (void*)&kKeys;
    conf = host->get_extension(host, GANTRY_CONF_1);
    http = host->get_extension(host, GANTRY_HTTP_1);
    phase = host->get_extension(host, GANTRY_PHASE_1);
    filter = host->get_extension(host, GANTRY_FILTER_1);
    logger = host->get_extension(host, GANTRY_LOG_1);
    return conf->declare(host, kKeys, sizeof kKeys / sizeof kKeys[0], sizeof kKeys[0]) == GANTRY_OK;
}

static void close_module(void* module) GANTRY_NOEXCEPT {
    (void)module;
}

static const void* get_extension(void* module, const char* id) GANTRY_NOEXCEPT {
    (void)module;
    return strcmp(id, GANTRY_INSTANCE_1) == 0 ? &kInstance : NULL;
}

GANTRY_ENTRY(NAME, "1.0.0", "Leaves a trail.", &open_module, &close_module, &get_extension);
