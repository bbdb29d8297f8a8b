/* gantry.upstream/1: which peers an upstream has, which of them a request goes to, and how it goes there.
 *
 * Keys of the module stand in [upstream.NAME] with GANTRY_IN_UPSTREAM; configure_upstream() of gantry.instance/1 is
 * called for each where one does. */
#ifndef GANTRY_EXT_UPSTREAM_H
#define GANTRY_EXT_UPSTREAM_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_UPSTREAM_1 "gantry.upstream/1"

#define GANTRY_PREFACE_MAX 4096u
#define GANTRY_PEERS_MAX 1000u
#define GANTRY_PEER_WEIGHT_MAX 1000u

typedef struct gantry_peers
    gantry_peers_t; /* where a module says which peers it has found for one upstream */

typedef struct gantry_peer {
    gantry_bytes_t address; /* "127.0.0.1:3000", "app.internal:80", "[::1]:80", "unix:/run/app.sock" */
    uint32_t weight;        /* its share of the requests; 0: it gets no new ones */
    uint32_t unused;
} gantry_peer_t;

/* A peer that a request could go to. [borrow:call] */
#define GANTRY_CANDIDATE_RESTING 1u /* it did not answer a moment ago */
#define GANTRY_CANDIDATE_TRIED 2u   /* by this request, in vain: it cannot be chosen */
typedef struct gantry_candidate {
    gantry_bytes_t address;
    uint32_t weight;
    uint32_t flags; /* GANTRY_CANDIDATE_… */
} gantry_candidate_t;

/* The balancer is to choose, as it does without a picker. */
#define GANTRY_PICK_BALANCER UINT32_MAX

typedef struct gantry_picker {
    uint32_t size; /* sizeof(gantry_picker_t) */
    uint32_t unused;
    const char* name; /* for logs */
    /* The index of the one that the request goes to, or GANTRY_PICK_BALANCER; what cannot be chosen counts as that.
     * Asked again where a peer could not be reached. Candidate i is at `candidates` + i * `candidate_size` bytes, in the
     * order in which the file has them, then as they were found. [worker] [running] */
    uint32_t (*pick)(gantry_exchange_t* exchange, void* self, const gantry_candidate_t* candidates,
                     size_t candidate_size, uint32_t count) GANTRY_NOEXCEPT;
    void* self; /* lives until retire() */
} gantry_picker_t;

typedef struct gantry_upstream_1 {
    uint32_t size;

    /* What a connection to the peer of this exchange begins with, before TLS and HTTP: a header of the PROXY protocol,
     * for example. A connection that is kept serves exchanges with the very same bytes only, so what differs from
     * one to the next costs each a connection of its own. In the place of what another hook has set; empty: none.
     * Before the content phase. GANTRY_ERROR_LIMIT: more than GANTRY_PREFACE_MAX bytes. For an exchange that is not
     * over. [worker] [running] */
    gantry_result_t (*set_preface)(gantry_exchange_t* exchange, gantry_bytes_t bytes) GANTRY_NOEXCEPT;

    /* Of the upstream of this scope; NULL elsewhere than in configure_upstream(). [main] [loading]
     * [borrow:instance] */
    gantry_peers_t* (*peers)(gantry_scope_t* scope) GANTRY_NOEXCEPT;

    /* All that there are now, beside those of the file and of other modules: those that were there before and are not
     * among them get no new requests, and what is under way there comes to its end. Requests see it at once. It holds
     * over reloads, until the instance that serves then says something else, or the module finds no peers of that
     * upstream any more. Peer i is at `all` + i * `peer_size` bytes: sizeof(gantry_peer_t). All bytes are copied.
     * GANTRY_ERROR_ARGUMENT: an address that is none, which the log names, or a weight that is too large;
     * GANTRY_ERROR_LIMIT: more than GANTRY_PEERS_MAX; nothing is changed by either. GANTRY_ERROR_STATE: before
     * commit(), or in gantry check; GANTRY_ERROR_STALE: a later instance has spoken. [any] [running] */
    gantry_result_t (*set_peers)(gantry_peers_t* peers, const gantry_peer_t* all, size_t peer_size,
                                 uint32_t count) GANTRY_NOEXCEPT;

    /* Asks `picker` which peer of this upstream a request goes to, in the place of the balancer. Once for each
     * upstream: GANTRY_ERROR_LIMIT says that it has a picker. The name is copied. In configure_upstream().
     * [main] [loading] [borrow:call] */
    gantry_result_t (*set_picker)(gantry_scope_t* scope, const gantry_picker_t* picker) GANTRY_NOEXCEPT;
} gantry_upstream_1_t;

GANTRY_END

#endif
