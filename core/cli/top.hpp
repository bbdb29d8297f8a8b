// gantry top: what a running gantry does, second by second.
#pragma once

#include "core/cli/remote.hpp"

#include <boost/json/object.hpp>
#include <string>

namespace gantry::cli {

struct TopOptions : RemoteOptions {
    bool once = false;
};

// Returns an ExitCode. Ends as gantry tail does.
int top_command(const TopOptions& options);

// One second, as --format json shows it, from two answers of /v1/status and what /v1/recent gave between
// them.
boost::json::object top_of(const boost::json::object& before, const boost::json::object& after,
                           const boost::json::object& recent, double seconds);
// The same for people.
std::string top_text(const boost::json::object& top);

}  // namespace gantry::cli
