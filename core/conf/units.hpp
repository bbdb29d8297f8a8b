// Durations and sizes as people write them: "30s", "1h30m", "10MiB".
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace gantry::conf {

// The error is what is wrong and what to write instead: `"10" has no unit: write "10s" …`.
tl::expected<Duration, std::string> parse_duration(std::string_view text);
tl::expected<std::uint64_t, std::string> parse_size(std::string_view text);

// The shortest form that the parser reads back to the same value: "90s" is "1m30s", 16384 is "16KiB".
std::string format_duration(Duration duration);
std::string format_size(std::uint64_t bytes);

}  // namespace gantry::conf
