// What clients chose, in a line of a log.
#pragma once

#include <string>
#include <string_view>

namespace auth {

// Without what would break the line, and not too long.
std::string shown(std::string_view text);

}  // namespace auth
