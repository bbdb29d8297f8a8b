/* gantry.control/1: routes of a module on the control API of gantry, and commands of the command line that ask them.
 *
 * A route lies below /v1/modules/NAME/, NAME being that of the module, so it collides with nobody else's:
 *
 *     curl --unix-socket /run/gantry/control.sock http://gantry/v1/modules/limit/bans?rule=login
 *
 * Routes are mounted while an instance is loaded and belong to it: after a reload those of the new instance are asked.
 * A call keeps the instance that it was given to until it is answered, so answers that take their time still arrive,
 * and retire() comes behind them. Whoever may write to the socket may call: its owner and its group.
 *
 * A command is no code. It stands in the manifest of the file (GANTRY_COMMANDS), where the command line reads it without
 * running the module, and where completions and help find it without a server:
 *
 *     gantry limit bans --rule login
 */
#ifndef GANTRY_EXT_CONTROL_H
#define GANTRY_EXT_CONTROL_H

#include "gantry/entry.h"

GANTRY_BEGIN

#define GANTRY_CONTROL_1 "gantry.control/1"

#define GANTRY_CALLS_MAX 1000u           /* open at the same time, of all modules */
#define GANTRY_CALL_ANSWER_MAX 16777216u /* bytes of a body */
#define GANTRY_ROUTES_MAX 100u           /* of an instance */

/* Whom to answer; a value that any thread may keep. */
typedef struct gantry_reply {
    uint64_t place;
    uint64_t serial;
} gantry_reply_t;

/* What a route was asked. [borrow:call], but for `reply`. */
typedef struct gantry_call {
    uint32_t size; /* of this struct */
    int32_t pid;   /* of the process that asks; -1: not known */
    int32_t uid;   /* of its user; -1: not known */
    uint32_t unused;
    gantry_bytes_t method; /* "POST" */
    gantry_bytes_t path;   /* "unban": what stands behind /v1/modules/NAME/ */
    gantry_bytes_t query;  /* as it was sent, without the "?" */
    gantry_bytes_t
        arguments; /* a JSON object: that of the body, and the parameters of the query as strings */
    gantry_reply_t reply;
} gantry_call_t;

/* A route. Copied, but for `self`. */
typedef struct gantry_route {
    uint32_t size; /* sizeof(gantry_route_t) */
    uint32_t unused;
    const char*
        method; /* GET, POST, PUT, PATCH or DELETE. What changes something is none of GET: calls of the others are
                         * in the error log, with the caller */
    const char* path; /* "bans", "keys/all": of letters, digits and -._~/, 200 at most; not / at either end */
    uint64_t
        deadline; /* nanoseconds, to the millisecond; 0: 10 seconds; 5 minutes at most. Then 504 is answered */

    /* Answers by the functions below, now or later. Whoever asks waits, and so does the next reload: what takes time is
     * for another thread. [main] [running] */
    void (*run)(void* self, const gantry_call_t* call) GANTRY_NOEXCEPT;
    void* self; /* [borrow:instance] */
} gantry_route_t;

typedef struct gantry_control_1 {
    uint32_t size;

    /* In prepare() or configure(). GANTRY_ERROR_ARGUMENT: not as above, or it is there already; the log says so.
     * GANTRY_ERROR_LIMIT: too many. [main] [loading] */
    gantry_result_t (*mount)(gantry_scope_t* scope, const gantry_route_t* route) GANTRY_NOEXCEPT;

    /* Of a call: the argument of that name; of a string its text, of anything else its JSON. False: there is none, or
     * null. [main] [running] */
    bool (*argument)(const gantry_call_t* call, gantry_bytes_t name, gantry_bytes_t* value) GANTRY_NOEXCEPT;

    /* The one answer of a call: `status`, 200 to 299 or 400 to 599, and a JSON object, empty for {}. From 400 on the
     * object has to have strings `error` and `remedy`, as those of gantry do. The member `text`, a string, is what the
     * command line prints in place of the others, unless it is asked for JSON. GANTRY_ERROR_ARGUMENT: it is no such
     * answer; the log says why, and who asked is told 500. GANTRY_ERROR_STALE: it was answered before, or took too
     * long. That nobody waits for it any more is not known. [any] */
    gantry_result_t (*answer)(const gantry_host_t* host, gantry_reply_t reply, uint32_t status,
                              gantry_bytes_t json) GANTRY_NOEXCEPT;

    /* The same with an object made of these: `error`, one sentence in lower case without a full stop, and `remedy`,
     * what to do about it. `status` from 400 on. [any] */
    gantry_result_t (*refuse)(const gantry_host_t* host, gantry_reply_t reply, uint32_t status,
                              gantry_bytes_t error, gantry_bytes_t remedy) GANTRY_NOEXCEPT;
} gantry_control_1_t;

/* ---- commands
 *
 * Once per module, at file scope, all of literals; the options and arguments of a command stand behind it:
 *
 *     GANTRY_COMMANDS(
 *         GANTRY_COMMAND("bans", "GET", "bans", "List the bans that hold")
 *         GANTRY_OPTION("rule", "NAME", GANTRY_OPTIONAL, "Only those of this rule")
 *         GANTRY_COMMAND("unban", "POST", "unban", "Lift a ban")
 *         GANTRY_ARGUMENT("key", "KEY", GANTRY_REQUIRED, "Whose: as the list of bans has it"));
 *
 * `gantry limit unban KEY` calls the route with {"key": "KEY"}. Names are [a-z][a-z0-9-]*, 32 at most; in arguments of the
 * call - is _. `value` is one word, what stands for the value in help; "a|b" lists all that it may be. Values are sent as
 * strings, flags as true. The names help, config, socket, format and quiet are the command line's own. A line is
 * shorter than 1 KiB. */
#define GANTRY_COMMANDS(text) GANTRY_IN_MANIFEST static const char gantry_module_commands[] = text

#define GANTRY_COMMAND(name, method, path, help) "command=" name " " method " " path " " help "\n"
/* --name VALUE */
#define GANTRY_OPTION(name, value, need, help) "option=" name " " value " " need " " help "\n"
/* --name */
#define GANTRY_FLAG(name, help) "flag=" name " " help "\n"
/* VALUE, in the order in which they stand */
#define GANTRY_ARGUMENT(name, value, need, help) "argument=" name " " value " " need " " help "\n"

#define GANTRY_OPTIONAL "optional"
#define GANTRY_REQUIRED "required"
#define GANTRY_DEFAULT(value) "default:" value /* a word; sent where none is given */

GANTRY_END

#endif
