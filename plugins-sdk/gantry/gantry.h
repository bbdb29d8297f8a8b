/* All of the C headers. docs/modules.md leads from nothing to a running module; docs/abi.md is the
 * promise. */
#ifndef GANTRY_H
#define GANTRY_H

#include "gantry/base.h"
#include "gantry/entry.h"
#include "gantry/ext/async.h"
#include "gantry/ext/client.h"
#include "gantry/ext/conf.h"
#include "gantry/ext/conn.h"
#include "gantry/ext/control.h"
#include "gantry/ext/events.h"
#include "gantry/ext/fd.h"
#include "gantry/ext/filter.h"
#include "gantry/ext/http.h"
#include "gantry/ext/log.h"
#include "gantry/ext/metrics.h"
#include "gantry/ext/phase.h"
#include "gantry/ext/store.h"
#include "gantry/ext/timer.h"
#include "gantry/ext/tls.h"
#include "gantry/ext/upstream.h"
#include "gantry/host.h"

#endif
