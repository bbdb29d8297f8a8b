// Finished requests as the control API and gantry tail show them.
#pragma once

#include "core/server/recent.hpp"

#include <boost/json/object.hpp>
#include <string>

namespace gantry::cli {

// Times are seconds with microseconds; what does not apply is left out.
boost::json::object recent_json(const server::RecentRequest& request);

// One line for people, of what recent_json() gave; without a line break.
std::string recent_line(const boost::json::object& request);

}  // namespace gantry::cli
