// Durations and sizes as people write them: "30s", "1h30m", "10MiB".
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace gantry::conf {

struct UnitError {
    std::string message;  // `"10" has no unit`
    std::string hint;     // `write "10s" or "10ms"`
};

tl::expected<Duration, UnitError> parse_duration(std::string_view text);
tl::expected<std::uint64_t, UnitError> parse_size(std::string_view text);

// The shortest form that the parser reads back to the same value: "90s" is "1m30s", 16384 is "16KiB".
std::string format_duration(Duration duration);
std::string format_size(std::uint64_t bytes);

// What the parsers take, as regular expressions for the schema.
std::string duration_pattern();
std::string size_pattern();

}  // namespace gantry::conf
