// `gantry plan`: what serving one configuration instead of another would change.
#pragma once

#include "core/server/plan.hpp"

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace gantry::cli {

struct PlanOptions {
    std::string config = "/etc/gantry/gantry.toml";
    std::string against;  // the configuration that it would replace
    bool json = false;
    bool quiet = false;  // nothing but the exit code and errors
};

// Changes go to stdout. Returns an ExitCode.
int plan_command(const PlanOptions& options);

// A list of {what, kind, name, host, subject, place, details, effects}; docs/explain.md has the members.
boost::json::array plan_json(const std::vector<server::Change>& changes);

}  // namespace gantry::cli
