/* A module that is broken in one way, which the compiler is told: -DBROKEN=1 and so on. 0: it is sound. */
#include "gantry/gantry.h"

#include <stdlib.h>
#include <unistd.h>

static const gantry_host_t* host;
static uint64_t timer;
static int prepared;

static void tick(void* state) {
    (void)state;
}

static bool prepare(void* module, gantry_scope_t* top, void* old, void** instance) {
    (void)module;
    if (BROKEN == 1) abort();
    if (BROKEN == 2) pause();
    if (BROKEN == 3) exit(0);
    if (BROKEN == 4 && old != NULL) {
        const gantry_conf_1_t* conf = host->get_extension(host, GANTRY_CONF_1);
        conf->error(top, NULL, GANTRY_BYTES("one is enough"), GANTRY_BYTES("restart"));
        return false;
    }
    if (BROKEN == 7) {
        const gantry_conf_1_t* conf = host->get_extension(host, GANTRY_CONF_1);
        conf->error(top, NULL, GANTRY_BYTES("there is no key"), GANTRY_BYTES("set one"));
        return false;
    }
    *instance = malloc(1);
    ++prepared;
    return true;
}

static void commit(void* instance) {
    (void)instance;
    const gantry_timer_1_t* timers = host->get_extension(host, GANTRY_TIMER_1);
    if (timer == 0) timers->every(host, 1000000000, NULL, tick, &timer);
}

static void retire(void* instance) {
    const gantry_timer_1_t* timers = host->get_extension(host, GANTRY_TIMER_1);
    free(instance);
    if (--prepared == 0 && BROKEN != 5) timers->cancel(host, timer);
}

static const gantry_instance_1_t kInstance = {
    .size = sizeof(gantry_instance_1_t), .prepare = prepare, .commit = commit, .retire = retire};

static bool open_module(const gantry_host_t* the_host, void** module) {
    host = the_host;
    *module = NULL;
    return true;
}

static void close_module(void* module) {
    (void)module;
}

static const void* get_extension(void* module, const char* id) {
    (void)module;
    if (BROKEN == 6) return &kInstance;
    const char* wanted = GANTRY_INSTANCE_1;
    while (*wanted != '\0' && *wanted == *id) ++wanted, ++id;
    return *wanted == *id ? &kInstance : NULL;
}

GANTRY_ENTRY("broken", "1.0.0", "Broken in one way.", open_module, close_module, get_extension);
