// Names and patterns as they stand in the file: for messages and for dump.hpp.
#pragma once

#include "core/conf/settings.hpp"

#include <string>

namespace gantry::conf {

std::string as_written(const HostName& name);    // "example.com", "*.example.com", "~^a"
std::string as_written(const Pattern& pattern);  // "/x", "= /x", "~^/x", "~*^/x"

}  // namespace gantry::conf
