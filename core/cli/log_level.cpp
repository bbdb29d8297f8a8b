#include "core/cli/log_level.hpp"

#include <algorithm>
#include <limits>

namespace gantry::cli {

void LogLevel::on_configured() {
    configured_ = log::level();
    until_.reset();
}

void LogLevel::set(log::Level level, std::optional<Millis> duration) {
    log::set_level(level);
    until_.reset();
    if (duration) until_ = monotonic_millis() + *duration;
}

std::optional<Millis> LogLevel::left() const {
    if (!until_) return std::nullopt;
    return std::max<Millis>(*until_ - monotonic_millis(), 0);
}

int LogLevel::next_check() const {
    const auto left = this->left();
    return left ? static_cast<int>(std::min<Millis>(*left, std::numeric_limits<int>::max())) : -1;
}

void LogLevel::check() {
    if (!until_ || monotonic_millis() < *until_) return;
    until_.reset();
    log::set_level(configured_);
    log::info("log level is {} again", log::name_of(configured_));
}

}  // namespace gantry::cli
