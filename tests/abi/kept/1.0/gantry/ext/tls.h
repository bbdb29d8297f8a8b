/* gantry.tls/1: certificates that a module offers, and a look at handshakes before they are answered.
 *
 *   [loading]  want(instance, host, names, count)  of gantry.certificate-source/1: which host asks for which names
 *   [any]      make(host, &pem, &certificate, &report): a certificate is judged, and has a number from then on
 *   [any]      offer(host, names, …, certificates, …): names show it from the next handshake on, on all workers
 *   [worker]   run(hello, self) of a hook: answers with a certificate, with a protocol, or with an alert
 *
 * A host asks by its key `certificate`, which then is the name of the module: certificate = "vault". Its names are what
 * offers are for, exact ones and wildcards, each by itself: a host with two names may show two certificates. Until
 * something was offered for a name, and after it was withdrawn, the name shows a placeholder, which gantry signs itself
 * (nothing, where its listener has fallback = "reject"); `gantry status` and a metric say so.
 *
 * What is offered stays over reloads, as long as hosts ask this module for the name: until it is replaced or withdrawn.
 * A new process (a start, an upgrade) begins with nothing: what is at hand then is offered in want(), so that no client
 * sees a placeholder.
 *
 * A certificate is a number, which may be kept too long: what it stands for may be released, and then is refused with
 * GANTRY_ERROR_STALE. What an offer or a handshake uses stays as long as it is used. Keys are wiped from memory with
 * the last of them. Nothing here blocks, but make() costs as much as a handshake: not in hooks. */
#ifndef GANTRY_EXT_TLS_H
#define GANTRY_EXT_TLS_H

#include "gantry/base.h"

GANTRY_BEGIN

#define GANTRY_TLS_1 "gantry.tls/1"

#define GANTRY_PEM_MAX 1048576u         /* bytes of each part */
#define GANTRY_CERTIFICATES_MAX 100000u /* of all modules, made and not released */
#define GANTRY_OFFER_MOST 4u            /* certificates for one name */

typedef uint64_t gantry_certificate_t; /* 0: none */

typedef struct gantry_certificate_pem {
    uint32_t size; /* sizeof(gantry_certificate_pem_t) */
    uint32_t unused;
    gantry_bytes_t chain; /* PEM: its own certificate first, then its issuers */
    gantry_bytes_t key;   /* PEM, without a passphrase; empty: it is in `chain` */
    gantry_bytes_t ocsp;  /* DER: a response to staple; empty: none */
    gantry_bytes_t
        source; /* what people know it by, in logs and metrics: "vault:secret/www"; empty: the module */
} gantry_certificate_pem_t;

/* What is to be said of it. `size` is set by the caller, the rest by the host. */
typedef struct gantry_certificate_report {
    uint32_t size;
    uint32_t reason_size; /* bytes of `reason`; 0 where nothing is to be said */
    int64_t not_before;   /* seconds since 1970; of make() that succeeded, else 0 */
    int64_t not_after;
    char reason[496]; /* why it was refused, or what somebody should look at; for logs, without a NUL */
} gantry_certificate_report_t;

/* ---- hellos */

/* A ClientHello that was received, while a hook runs. [borrow:call] */
typedef struct gantry_hello gantry_hello_t;

typedef struct gantry_hello_hook {
    uint32_t size; /* sizeof(gantry_hello_hook_t) */
    uint32_t unused;
    const char* name; /* for logs, and the order: "MODULE" or "MODULE.WHAT" */
    /* Names of hooks, with commas between; those that are not there do no harm. NULL: none. */
    const char* before;
    const char* after;
    /* Once for each handshake, before a certificate is chosen.
     *   GANTRY_NEXT  nothing to object: the next hook is asked, and use() has no effect
     *   GANTRY_DONE  use() was called: no further hook is asked
     *   GANTRY_FAIL  the handshake is refused, with the alert of refuse(), otherwise with access_denied
     * It holds up the worker, and must not wait. [worker] [running] */
    gantry_verdict_t (*run)(gantry_hello_t* hello, void* self) GANTRY_NOEXCEPT;
    void* self; /* lives until retire() */
} gantry_hello_hook_t;

typedef struct gantry_tls_1 {
    uint32_t size;

    /* ---- certificates. [any] */

    /* Reads and judges it; nothing is shown to clients yet. GANTRY_ERROR_ARGUMENT: it cannot be served, and the report
     * says why: damaged, another's key, a key that clients do not accept. GANTRY_ERROR_LIMIT: there are
     * GANTRY_CERTIFICATES_MAX. `report` may be NULL. [give], back by release() */
    gantry_result_t (*make)(const gantry_host_t* host, const gantry_certificate_pem_t* pem,
                            gantry_certificate_t* certificate, gantry_certificate_report_t* report)
        GANTRY_NOEXCEPT;
    /* The number stands for nothing from now on. What was offered stays offered. GANTRY_ERROR_STALE: it did not. */
    gantry_result_t (*release)(const gantry_host_t* host, gantry_certificate_t certificate) GANTRY_NOEXCEPT;

    /* From now on each of `names` shows these: one, or one for each kind of key (RSA and ECDSA). They take the place of
     * what this module offered for the name before; none at all: it is withdrawn. All names or none change.
     * GANTRY_ERROR_STALE: no host asks this module for one of the names, or a number stands for nothing.
     * GANTRY_ERROR_ARGUMENT: one does not cover one of the names, it has expired while what is shown has not, or two
     * have keys of the same kind. The report says which, and may be NULL. */
    gantry_result_t (*offer)(const gantry_host_t* host, const gantry_bytes_t* names, uint32_t name_count,
                             const gantry_certificate_t* certificates, uint32_t certificate_count,
                             gantry_certificate_report_t* report) GANTRY_NOEXCEPT;

    /* ---- hellos */

    /* `scope`: what configure_listener() was given, for that listener; what prepare() was given, for all that have
     * tls. Handshakes of listeners without hooks cost nothing more. The strings are copied.
     * [main] [loading] [borrow:call] */
    gantry_result_t (*add_hello)(gantry_scope_t* scope, const gantry_hello_hook_t* hook) GANTRY_NOEXCEPT;

    /* In run(). [worker] [running] [borrow:call] */
    gantry_bytes_t (*listener)(const gantry_hello_t* hello) GANTRY_NOEXCEPT; /* its name */
    /* The name that is asked for (SNI), in lower case, without a dot at its end; empty: none. */
    gantry_bytes_t (*server_name)(const gantry_hello_t* hello) GANTRY_NOEXCEPT;
    /* What the client speaks (ALPN), from 0 on, as it prefers it; empty: there are no more. */
    gantry_bytes_t (*protocol)(const gantry_hello_t* hello, uint32_t index) GANTRY_NOEXCEPT;
    /* Who is there, and where it connected to; as filters of connections have it. */
    void (*client)(const gantry_hello_t* hello, gantry_address_t* to) GANTRY_NOEXCEPT;
    void (*local)(const gantry_hello_t* hello, gantry_address_t* to) GANTRY_NOEXCEPT;

    /* The handshake goes on with this certificate (0: that of the host), whatever name was asked for, and with this
     * protocol (empty: as the listener chooses). A protocol that the listener does not have is the module's own
     * business: nobody is asked for a client certificate, and the connection is closed when the handshake is done, as
     * RFC 8737 wants it for "acme-tls/1". GANTRY_ERROR_STALE: the number stands for nothing; GANTRY_ERROR_ARGUMENT:
     * the client does not speak the protocol. */
    gantry_result_t (*use)(gantry_hello_t* hello, gantry_certificate_t certificate,
                           gantry_bytes_t protocol) GANTRY_NOEXCEPT;
    /* The alert of a GANTRY_FAIL, as RFC 8446 6 numbers them: 40 handshake_failure, 112 unrecognized_name. */
    void (*refuse)(gantry_hello_t* hello, uint8_t alert) GANTRY_NOEXCEPT;
} gantry_tls_1_t;

/* ---- what a module that offers certificates has
 *
 * Its get_extension() returns this table. Without it no host may name the module. */

#define GANTRY_CERTIFICATE_SOURCE_1 "gantry.certificate-source/1"

typedef struct gantry_certificate_source_1 {
    uint32_t size;

    /* For each host with certificate = "MODULE", in their order, after prepare() and before commit(): its names, in
     * lower case ("example.com", "*.example.com"), of which there is at least one. `host` is its scope: the keys of
     * this module in it, and in [server], can be read. A module remembers what is asked for in its instance: it counts
     * from commit() on, and what no generation asks for any more is refused by offer(). The names may be offered for
     * within this call already. False: the load fails; say why by error() of gantry.conf/1.
     * [main] [loading] [borrow:call] */
    bool (*want)(void* instance, gantry_scope_t* host, const gantry_bytes_t* names, uint32_t count)
        GANTRY_NOEXCEPT;
} gantry_certificate_source_1_t;

GANTRY_END

#endif
