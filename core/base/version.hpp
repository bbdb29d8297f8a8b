// The version of this build, from the one place that says it: project() in CMakeLists.txt.
#pragma once

#include <string_view>

namespace gantry {
std::string_view version();       // "0.1.0"
std::string_view server_token();  // "gantry", what the Server field says
}  // namespace gantry
