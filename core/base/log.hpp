// The error log: the only file that knows spdlog. Lines are lower case, fact first, then key=value, and end
// with what we were doing: log::warn("certificate not used: {} file={}", why, path).
#pragma once

#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::log {

enum class Level { Trace, Debug, Info, Warn, Error, Critical, Off };

// Where and how much. `target` is "stderr", "stdout" or the path of a file, which is appended to. A file that
// cannot be opened is reported as the return value (empty: fine) and the log stays where it was. [any]
std::string open(std::string_view target, Level level);

// Opens a file target anew, after rotation. [any]
void reopen();

void set_level(Level level);
Level level();
// "warn", and back; empty: there is no such level.
std::string_view name_of(Level level);
std::optional<Level> level_of(std::string_view name);
bool is_enabled(Level level);

// Lines that could not be written (disk full), since the start. Writing never throws and never blocks the
// caller for longer than the write itself.
unsigned long long lost_lines();

void write(Level level, std::string_view line);
void flush();

template <class... Args>
void print(Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (!is_enabled(level)) return;
    fmt::memory_buffer line;
    fmt::format_to(fmt::appender(line), format, std::forward<Args>(args)...);
    write(level, {line.data(), line.size()});
}

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    print(Level::Debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    print(Level::Info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    print(Level::Warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    print(Level::Error, format, std::forward<Args>(args)...);
}
template <class... Args>
void critical(fmt::format_string<Args...> format, Args&&... args) {
    print(Level::Critical, format, std::forward<Args>(args)...);
}

}  // namespace gantry::log
