/* gantry.conf/1: the keys of a module in the configuration files, and their values.
 *
 * Keys are declared once, in open(), and from then on are keys like the core's own: with diagnostics that
 * show the line, in `gantry help`, the manual, the schema for editors, `gantry config` and `gantry plan`.
 * What a value may be is said here; a value that arrives is of its type and in its range, so a module checks
 * what it alone can know. */
#ifndef GANTRY_EXT_CONF_H
#define GANTRY_EXT_CONF_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_CONF_1 "gantry.conf/1"

/* Where a key may stand; any of these together. A location has the keys of its host and of [server] as well,
 * unless it has its own. */
#define GANTRY_IN_SERVER 1u    /* [server]: for all hosts, or for what the module does beside them */
#define GANTRY_IN_HOST 2u      /* [host."NAME"] */
#define GANTRY_IN_LOCATION 4u  /* [host."NAME".location."PATTERN"] */
#define GANTRY_IN_LISTENER 8u  /* [listener.NAME]; its scope is around nothing, and [server] around it */
#define GANTRY_IN_UPSTREAM 16u /* [upstream.NAME]; the same */

/* What a value is. */
#define GANTRY_TYPE_BOOLEAN 1u
#define GANTRY_TYPE_INTEGER 2u  /* signed */
#define GANTRY_TYPE_SIZE 3u     /* bytes; "10MiB" in the file */
#define GANTRY_TYPE_TIMESPAN 4u /* nanoseconds; "30s" in the file; to the millisecond */
#define GANTRY_TYPE_STRING 5u
#define GANTRY_TYPE_PATH 6u     /* arrives absolute; in the file relative to its folder */
#define GANTRY_TYPE_TEMPLATE 7u /* a text with variables such as ${host}: evaluate() of gantry.http/1 */
#define GANTRY_TYPE_CHOICE 8u   /* one of `choices` */
#define GANTRY_TYPE_TABLE 9u    /* of `keys` */

#define GANTRY_KEY_REQUIRED 1u /* of a key within a table: the table must have it */
#define GANTRY_KEY_LIST 2u     /* one value of the type, or a list of them; arrives as a list */
#define GANTRY_KEY_NAMED 4u    /* a table of such values, by names that users choose */
#define GANTRY_KEY_HANDLER 8u  /* of a location: this is what answers, as static or proxy do; one in each */
#define GANTRY_KEY_SECRET 16u  /* shown as **** */

typedef struct gantry_key {
    const char* name; /* [a-z][a-z0-9_]*; not one of the core's or of another module */
    uint32_t type;
    uint32_t scopes; /* 0 for keys within a table */
    uint32_t flags;
    uint32_t key_count;
    const struct gantry_key* keys; /* of a table */
    const char* short_for;      /* of a table: the key that is meant where a bare value stands; NULL: none */
    const char* standard;       /* the default as one would write it: "\"10s\""; NULL: none */
    const char* example;        /* the right-hand side */
    const char* doc;            /* whole sentences */
    const char* const* choices; /* of a choice; NULL at the end */
    int64_t least;              /* of numbers, in the unit in which they arrive, where `most` is not 0 */
    int64_t most;
    const char* deprecated; /* NULL, or what to write instead: a warning */
} gantry_key_t;

typedef struct gantry_conf_1 {
    uint32_t size;

    /* `keys` and all that they point to live as long as the process: constants. `key_size`:
     * sizeof(gantry_key_t). Once, in open(). An error is in the log, with its reason. [main] [loading] */
    gantry_result_t (*declare)(const gantry_host_t* host, const gantry_key_t* keys, uint32_t count,
                               uint32_t key_size) GANTRY_NOEXCEPT;

    /* The value of a key of this module that holds in `scope`: its own, else that of the host, else that of
     * [server], else its default. `path`: "limit", or "limit.rate" for a key within a table; within tables
     * the defaults are filled in. NULL: it has none. Values live as long as the instance. [main] [loading]
     * [borrow:instance] */
    const gantry_value_t* (*find)(const gantry_scope_t* scope, gantry_bytes_t path)GANTRY_NOEXCEPT;

    /* The same where it stands in `scope` itself; NULL otherwise. [main] [loading] [borrow:instance] */
    const gantry_value_t* (*find_own)(const gantry_scope_t* scope, gantry_bytes_t path)GANTRY_NOEXCEPT;

    /* The scope around: of a location its host, of a host or a listener [server], of that NULL. [main] [loading] */
    const gantry_scope_t* (*parent)(const gantry_scope_t* scope)GANTRY_NOEXCEPT;
    /* GANTRY_IN_SERVER, GANTRY_IN_HOST, GANTRY_IN_LOCATION, GANTRY_IN_LISTENER, GANTRY_IN_UPSTREAM. [main] [loading] */
    uint32_t (*kind)(const gantry_scope_t* scope) GANTRY_NOEXCEPT;
    /* As it stands in the file: "www.example.com", "/api/"; of [server] "". [main] [loading] */
    gantry_bytes_t (*name)(const gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* Of a value. What does not fit its type is 0, or empty. Of an instance that is not retired. [any] */
    bool (*boolean)(const gantry_value_t* value) GANTRY_NOEXCEPT;
    int64_t (*integer)(const gantry_value_t* value) GANTRY_NOEXCEPT;     /* integers, sizes, timespans */
    gantry_bytes_t (*text)(const gantry_value_t* value)
        GANTRY_NOEXCEPT; /* strings, paths, templates, choices */
    /* Of a list or a table of names: how many. [any] */
    uint32_t (*count)(const gantry_value_t* value) GANTRY_NOEXCEPT;
    const gantry_value_t* (*at)(const gantry_value_t* value, uint32_t index)GANTRY_NOEXCEPT;
    gantry_bytes_t (*name_at)(const gantry_value_t* value, uint32_t index) GANTRY_NOEXCEPT;
    /* Of a table: the value of one of its keys, or its default; NULL: none. [any] */
    const gantry_value_t* (*member)(const gantry_value_t* value, gantry_bytes_t key)GANTRY_NOEXCEPT;

    /* The load fails, and says so at the place of `value`; NULL: of `scope`. `message`: one sentence in lower
     * case without a full stop, what is wrong; `hint`: what to do about it. Return false afterwards, or go on
     * to find more. [main] [loading] */
    void (*error)(const gantry_scope_t* scope, const gantry_value_t* value, gantry_bytes_t message,
                  gantry_bytes_t hint) GANTRY_NOEXCEPT;
    /* The same, but the load goes on. [main] [loading] */
    void (*warning)(const gantry_scope_t* scope, const gantry_value_t* value, gantry_bytes_t message,
                    gantry_bytes_t hint) GANTRY_NOEXCEPT;
} gantry_conf_1_t;

GANTRY_END

#endif
