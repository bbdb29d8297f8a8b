/* What a module gets of the host: a door, and behind it the extensions. And what every module has:
 * instances. */
#ifndef GANTRY_HOST_H
#define GANTRY_HOST_H

#include "gantry/base.h"

GANTRY_BEGIN

struct gantry_host {
    uint32_t size;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t unused;
    const char* version; /* of gantry, for people. NUL-terminated */
    void* data;          /* the host's own */

    /* A table that begins with its size and lives as long as the process; NULL: this gantry does not have it.
     * The ids and tables are in ext/. [any] */
    const void* (*get_extension)(const gantry_host_t* host, const char* id)GANTRY_NOEXCEPT;
};

/* gantry.instance/1, offered by the module: its life in a generation of the configuration.
 *
 *   load:    open() once; then for each load of the configuration
 *   prepare  a new instance beside the one that serves, which may fail
 *   configure  for each place of the configuration where hooks of this module may have something to do; the same
 *            for each host by configure_host
 *   commit   the new generation serves from now on; cannot fail
 *   retire   the last exchange of the generation is over
 *
 * A load that fails anywhere retires what was prepared, without a commit. */
#define GANTRY_INSTANCE_1 "gantry.instance/1"
typedef struct gantry_instance_1 {
    uint32_t size;

    /* What `*instance` is set to is handed to the others. `old` is the instance that serves so far, NULL for
     * the first one: what is to outlive a reload (caches, counters) is taken over from it, but it goes on
     * serving, and for ever if this load fails. `top` is the scope of the whole configuration. False: this
     * load fails; gantry.conf/1 has a function to say why, with the place. [main] [loading] */
    bool (*prepare)(void* module, gantry_scope_t* top, void* old, void** instance) GANTRY_NOEXCEPT;

    /* For each location where a key of this module holds, in the order of the files. Keys are read and hooks
     * added here. `scope` is valid during the call. False: as in prepare(). May be NULL. [main] [loading] */
    bool (*configure)(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* May be NULL. [main] [running] */
    void (*commit)(void* instance) GANTRY_NOEXCEPT;

    /* Called once for each instance for which prepare() returned true. Frees it, and all that hooks were
     * given as `self`. [main] [drained] */
    void (*retire)(void* instance) GANTRY_NOEXCEPT;

    /* As configure(), for each host where a key of this module holds: what becomes of the answers of this host for
     * which it has no location, 404 and 405 above all. Header filters may be added here, and no hooks. Called
     * before its locations are configured. May be NULL. [main] [loading] */
    bool (*configure_host)(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* As configure(), for each listener where a key of this module holds: filters of gantry.conn/1 are added here.
     * Called before hosts are configured. May be NULL. [main] [loading] */
    bool (*configure_listener)(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* As configure(), for each upstream where a key of this module stands: who finds its peers, and who chooses among
     * them, is said here, by gantry.upstream/1. Such an upstream may have no peers of its own. May be NULL.
     * [main] [loading] */
    bool (*configure_upstream)(void* instance, gantry_scope_t* scope) GANTRY_NOEXCEPT;
} gantry_instance_1_t;

GANTRY_END

#endif
