/* The version of the ABI, with its change log. docs/abi.md is the promise that these two numbers make. */
#ifndef GANTRY_VERSION_H
#define GANTRY_VERSION_H

/* A module loads where the major is the same and the host's minor is at least the module's. */
#define GANTRY_ABI_MAJOR 1
#define GANTRY_ABI_MINOR 0

/* The change log. Nothing is ever taken out of a table, moved in it, or given another meaning: tables grow at
 * their end, and what would mean something else gets an id of its own ("gantry.http/2").
 *
 * 1.0  entry; gantry.log/1, gantry.conf/1, gantry.http/1, gantry.phase/1, gantry.filter/1, gantry.async/1,
 *      gantry.timer/1, gantry.metrics/1, gantry.store/1, gantry.conn/1, gantry.upstream/1, gantry.client/1,
 *      gantry.control/1, gantry.events/1, gantry.tls/1, gantry.fd/1;
 *      of modules: gantry.instance/1, gantry.certificate-source/1.
 */

#endif
