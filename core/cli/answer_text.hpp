// Answers of modules in words: what a command of theirs prints where nobody asked for JSON.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace gantry::cli {

// Its member `text`, if it is a string; else a line for each member, and a table for each list of objects.
// Nothing in it does anything to a terminal.
std::string answer_text(const boost::json::object& answer);

}  // namespace gantry::cli
