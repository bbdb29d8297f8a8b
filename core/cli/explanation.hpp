// What a rehearsal found, for people and as JSON.
#pragma once

#include "core/server/rehearsal.hpp"

#include <boost/json.hpp>
#include <string>

namespace gantry::cli {

struct Explanation {
    const conf::Settings& settings;
    const server::RehearsalRequest& request;
    const server::Rehearsed& rehearsed;
};

// A line for each thing that was decided, with the line of the file that decided it.
std::string explanation_text(const Explanation& explanation);
// The same; docs/explain.md has the members.
boost::json::object explanation_json(const Explanation& explanation);

}  // namespace gantry::cli
