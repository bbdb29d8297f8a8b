// gantry.log/1
#include "core/base/log.hpp"
#include "core/module/extensions.hpp"

#include <algorithm>

namespace gantry::module {
namespace {

constexpr std::size_t kLongest = 8192;

log::Level level_of(gantry_level_t level) {
    constexpr log::Level kLevels[] = {log::Level::Trace, log::Level::Debug, log::Level::Info,
                                      log::Level::Warn,  log::Level::Error, log::Level::Critical};
    return kLevels[std::clamp(level, GANTRY_TRACE, GANTRY_CRITICAL)];
}

bool wants(const gantry_host_t* /*host*/, gantry_level_t level) noexcept {
    return level_of(level) >= log::level();
}

void write(const gantry_host_t* host, gantry_level_t level, gantry_bytes_t line) noexcept {
    log::print(level_of(level), "{} module={}", view_of(line).substr(0, kLongest), module_of(host).name);
}

}  // namespace

const gantry_log_1_t kLog = {sizeof(gantry_log_1_t), &wants, &write};

}  // namespace gantry::module
