/* gantry.upstream/1: how a request goes to a peer of an upstream.
 *
 * Everything here is [worker] [running], for an exchange that is not over. */
#ifndef GANTRY_EXT_UPSTREAM_H
#define GANTRY_EXT_UPSTREAM_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_UPSTREAM_1 "gantry.upstream/1"

#define GANTRY_PREFACE_MAX 4096u

typedef struct gantry_upstream_1 {
    uint32_t size;

    /* What a connection to the peer of this exchange begins with, before TLS and HTTP: a header of the PROXY protocol,
     * for example. A connection that is kept serves exchanges with the very same bytes only, so what differs from
     * one to the next costs each a connection of its own. In the place of what another hook has set; empty: none.
     * Before the content phase. GANTRY_ERROR_LIMIT: more than GANTRY_PREFACE_MAX bytes. */
    gantry_result_t (*set_preface)(gantry_exchange_t* exchange, gantry_bytes_t bytes) GANTRY_NOEXCEPT;
} gantry_upstream_1_t;

GANTRY_END

#endif
