/* Keys are read on another thread.
 * when: load
 * contract: gantry.conf/1 find: [main] called on a thread that is no worker's and not the main one */
#include "contract.h"

#include <pthread.h>

static void* look(void* top) {
    conf->find(top, GANTRY_BYTES("broken"));
    return NULL;
}

static bool prepare(gantry_scope_t* top) {
    pthread_t thread;
    return pthread_create(&thread, NULL, look, top) == 0 && pthread_join(thread, NULL) == 0;
}

static const broken_t broken = {.prepare = prepare};

BROKEN("find-elsewhere");
