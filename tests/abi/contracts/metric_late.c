/* A metric is declared when the generation serves already.
 * when: load
 * contract: gantry.metrics/1 declare: [loading] called after open() and outside of prepare() and configure()
 */
#include "contract.h"

static void commit(void) {
    const gantry_metric_t metric = {
        .size = sizeof metric, .type = GANTRY_COUNTER, .name = "late", .help = "Late."};
    uint32_t number;
    metrics->declare(host, &metric, &number);
}

static const broken_t broken = {.commit = commit};

BROKEN("metric-late");
