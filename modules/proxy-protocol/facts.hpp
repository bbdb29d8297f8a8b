// What the vectors of a header of version 2 say, as names and texts: the variables conn.proxy.NAME.
#pragma once

#include "header.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proxy_protocol {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Of each type the first; values that are no text are hexadecimal. `most_value`: what is longer is left out.
Facts facts_of(std::string_view tlvs, std::size_t most_value);

}  // namespace proxy_protocol
