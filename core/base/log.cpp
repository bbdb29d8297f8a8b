#include "core/base/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace gantry::log {
namespace {

constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "critical", "off"};

std::atomic<unsigned long long> g_lost{0};
std::mutex g_mutex;  // guards the target
std::string g_target = "stderr";
std::atomic<Level> g_level{Level::Info};

spdlog::level::level_enum to_spdlog(Level level) {
    return static_cast<spdlog::level::level_enum>(static_cast<int>(level));
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& target) {
    spdlog::sink_ptr sink;
    if (target == "stderr") {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else if (target == "stdout") {
        sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    } else {
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(target, false);
    }
    auto logger = std::make_shared<spdlog::logger>("gantry", sink);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %P %l: %v");
    logger->set_level(to_spdlog(g_level.load()));
    // A line that is only in a buffer is not there for whoever looks, and lost in a crash.
    logger->flush_on(spdlog::level::trace);
    // A full disk must not stop the server: the line is counted and lost.
    logger->set_error_handler([](const std::string&) { g_lost.fetch_add(1, std::memory_order_relaxed); });
    return logger;
}

// Not std::atomic<std::shared_ptr>: ThreadSanitizer does not understand libstdc++ 12's, and both lock anyway.
class Current {
public:
    std::shared_ptr<spdlog::logger> load() {
        const std::lock_guard lock(mutex_);
        return logger_;
    }
    void store(std::shared_ptr<spdlog::logger> next) {
        const std::lock_guard lock(mutex_);
        logger_.swap(next);
    }

private:
    std::mutex mutex_;
    std::shared_ptr<spdlog::logger> logger_ = make_logger("stderr");
};

Current& current() {
    static Current instance;
    return instance;
}

std::shared_ptr<spdlog::logger> load() {
    return current().load();
}

}  // namespace

std::string open(std::string_view target, Level level) {
    const std::lock_guard lock(g_mutex);
    g_level = level;
    try {
        current().store(make_logger(std::string(target)));
    } catch (const spdlog::spdlog_ex& failure) {
        load()->set_level(to_spdlog(level));
        return failure.what();
    }
    g_target = target;
    return {};
}

void reopen() {
    std::string target;
    {
        const std::lock_guard lock(g_mutex);
        target = g_target;
    }
    if (const std::string failure = open(target, g_level); !failure.empty())
        error("log not reopened: {}", failure);
}

void set_level(Level level) {
    g_level = level;
    load()->set_level(to_spdlog(level));
}

Level level() {
    return g_level.load(std::memory_order_relaxed);
}

std::string_view name_of(Level level) {
    return kNames[static_cast<std::size_t>(level)];
}

std::optional<Level> level_of(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
        if (kNames[i] == name) return static_cast<Level>(i);
    }
    return std::nullopt;
}

bool is_enabled(Level level) {
    return level >= g_level.load(std::memory_order_relaxed);
}

unsigned long long lost_lines() {
    return g_lost.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view line) {
    load()->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void flush() {
    load()->flush();
}

}  // namespace gantry::log
