// What schemas of values are made of, for the keys of the core and those of modules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

// A string with a ${…}: whatever comes from the environment or a file is known only where it is loaded.
std::string interpolated_schema();
// A string that fits `expression`, or the above.
std::string pattern_schema(std::string_view expression);
// `keyword` is "anyOf" or "oneOf"; of one form that one.
std::string any_of_schema(std::string_view keyword, const std::vector<std::string>& forms);
std::string integer_schema(std::int64_t least, std::uint64_t most);
std::string list_schema(const std::string& items);

}  // namespace gantry::conf
