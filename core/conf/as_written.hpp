// Names and patterns as they stand in the file: for messages and for dump.hpp.
#pragma once

#include "core/conf/settings.hpp"

#include <string>
#include <string_view>

namespace gantry::conf {

std::string as_written(const HostName& name);    // "example.com", "*.example.com", "~^a"
std::string as_written(const Pattern& pattern);  // "/x", "= /x", "~^/x", "~*^/x"

// "header X-Version is \"2\"", "cookie beta is not there", "query a matches \"^1\"".
std::string as_written(const Condition& condition);
std::string_view as_written(Expectation::What what);  // "host", "status"

// With what cannot stand in quotes escaped.
std::string in_quotes(std::string_view text);

}  // namespace gantry::conf
