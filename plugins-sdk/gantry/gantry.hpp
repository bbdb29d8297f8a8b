// All of the C++ face. docs/modules.md leads from nothing to a running module.
#pragma once

#include "gantry/async.hpp"
#include "gantry/client.hpp"
#include "gantry/conf.hpp"
#include "gantry/conn.hpp"
#include "gantry/control.hpp"
#include "gantry/events.hpp"
#include "gantry/exchange.hpp"
#include "gantry/host.hpp"
#include "gantry/json.hpp"
#include "gantry/metrics.hpp"
#include "gantry/module.hpp"
#include "gantry/peers.hpp"
#include "gantry/roles.hpp"
#include "gantry/store.hpp"
#include "gantry/task.hpp"
#include "gantry/tls.hpp"
