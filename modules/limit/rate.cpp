#include "rate.hpp"

namespace limit {
namespace {

// The digits at the beginning of `text`, taken from it; nothing: none, or more than nine.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
    if (size == 0 || size > 9) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text.substr(0, size)) number = number * 10 + static_cast<std::uint64_t>(c - '0');
    text.remove_prefix(size);
    return number;
}

std::uint64_t unit_of(std::string_view text) {
    if (text == "s") return 1;
    if (text == "m") return 60;
    if (text == "h") return 3600;
    if (text == "d") return 86400;
    return 0;
}

constexpr std::uint64_t kMostSeconds = 366 * 86400;

}  // namespace

ParsedRate parse_rate(std::string_view text) {
    constexpr const char* kForm = "a rate is a number and a time: 10/s, 600/m, 1000/h, 20/10s";
    const auto count = take_number(text);
    if (!count || !text.starts_with('/')) return {{}, kForm};
    text.remove_prefix(1);
    const bool has_number = !text.empty() && text[0] >= '0' && text[0] <= '9';
    const auto times = has_number ? take_number(text) : std::optional<std::uint64_t>(1);
    const std::uint64_t unit = unit_of(text);
    if (!times || unit == 0) return {{}, kForm};
    if (*count == 0 || *times == 0)
        return {{}, "nobody would ever be let through: use \"addresses\" for that"};
    const std::uint64_t seconds = *times * unit;
    if (seconds > kMostSeconds) return {{}, "that time is longer than a year"};
    if (*count / seconds > kMostPerSecond || (*count / seconds == kMostPerSecond && *count % seconds != 0))
        return {{}, "that is more than a million in a second, which is no limit"};
    return {Rate{*count, seconds * kSecond}, {}};
}

}  // namespace limit
