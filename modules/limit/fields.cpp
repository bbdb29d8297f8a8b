#include "fields.hpp"

#include <algorithm>
#include <cstdio>

namespace limit {

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

std::string policy_item(std::string_view name, const Rate& rate, std::uint64_t burst) {
    const std::uint64_t quota = std::max(rate.count, burst + 1);
    const std::uint64_t seconds = rate.period / kSecond;
    const std::uint64_t window =
        quota == rate.count ? seconds : (quota * seconds + rate.count - 1) / rate.count;
    return "\"" + std::string(name) + "\";q=" + std::to_string(quota) + ";w=" + std::to_string(window);
}

std::string policy_item(std::string_view name, std::uint32_t concurrency) {
    return "\"" + std::string(name) + "\";q=" + std::to_string(concurrency) + ";qu=\"concurrent-requests\"";
}

std::size_t write_item(char* out, std::size_t room, std::string_view name, const Decision& decision) {
    const std::uint64_t seconds =
        !decision.passes() ? retry_after(decision.wait) : whole_seconds(decision.reset);
    const int size =
        std::snprintf(out, room, "\"%.*s\";r=%llu;t=%llu", static_cast<int>(name.size()), name.data(),
                      decision.passes() ? static_cast<unsigned long long>(decision.remaining) : 0ULL,
                      static_cast<unsigned long long>(seconds));
    return size > 0 && static_cast<std::size_t>(size) < room ? static_cast<std::size_t>(size) : 0;
}

std::string_view shown(std::string_view text, char* out, std::size_t room) {
    const std::size_t size = std::min(text.size(), room);
    std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), out,
                   [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\' ? c : '?'; });
    return {out, size};
}

}  // namespace limit
