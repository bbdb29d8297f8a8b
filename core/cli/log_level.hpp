// The level of the error log while the server runs: what the configuration says, or for a time what an
// operator asked for.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/log.hpp"

#include <optional>

namespace gantry::cli {

// [main]
class LogLevel {
public:
    // The configuration was applied and log::open() called: its level counts again.
    void on_configured();
    // Until the next reload; with `duration` no longer than that.
    void set(log::Level level, std::optional<Millis> duration);

    log::Level configured() const { return configured_; }
    // Until the configured one comes back by itself; empty: it does not.
    std::optional<Millis> left() const;

    // For poll(): when check() has something to do. -1: never.
    int next_check() const;
    void check();

private:
    log::Level configured_ = log::Level::Info;
    std::optional<Millis> until_;
};

}  // namespace gantry::cli
