#include "core/cli/last_process.hpp"

#include "core/base/log.hpp"
#include "core/cli/recent_json.hpp"
#include "core/server/recent.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

constexpr std::int64_t kLastSeconds = 10;
constexpr std::size_t kInFile = 1000;
constexpr std::size_t kInLog = 20;

// Of the last seconds in which there were any.
std::vector<std::string> last_requests(const LastProcess& last, std::size_t most) {
    std::vector<std::string> lines;
    const auto rings = server::RecentRings::look_at(last.recent);
    if (!rings) return lines;
    const auto batch = rings->read({});
    if (batch.requests.empty()) return lines;
    const std::int64_t since = batch.requests.back().wall_nanos - kLastSeconds * 1'000'000'000;
    for (const server::RecentRequest& request : batch.requests) {
        if (request.wall_nanos >= since) lines.push_back(recent_line(recent_json(request)));
    }
    if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
    return lines;
}

std::string cause_of(int status) {
    return WIFSIGNALED(status) ? fmt::format("signal={}", WTERMSIG(status))
                               : fmt::format("exit_code={}", WEXITSTATUS(status));
}

bool append(const std::string& path, const std::string& text) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

std::string crash_report_path(const std::string& error_log, int pid) {
    if (error_log == "stderr" || error_log == "stdout") return {};
    return (std::filesystem::path(error_log).parent_path() / fmt::format("gantry-crash-{}.txt", pid))
        .string();
}

void report_death(const LastProcess& last, const std::string& error_log) {
    if (last.pid == 0) return;
    const std::string path = crash_report_path(error_log, last.pid);
    const std::vector<std::string> lines = last_requests(last, path.empty() ? kInLog : kInFile);
    if (path.empty()) {
        log::error("the server process before this one died: pid={} {} last_requests={}", last.pid,
                   cause_of(last.status), lines.size());
        for (const std::string& line : lines) log::error("its last requests: {}", line);
        return;
    }
    const std::string text =
        fmt::format("server process pid={} died: {}\nits last requests, of {} seconds:\n{}{}", last.pid,
                    cause_of(last.status), kLastSeconds, fmt::join(lines, "\n"), lines.empty() ? "" : "\n");
    const bool is_written = append(path, text);
    log::error("the server process before this one died: pid={} {} last_requests={} report={}", last.pid,
               cause_of(last.status), lines.size(),
               is_written ? path : fmt::format("none, {}: {}", path, std::strerror(errno)));
}

}  // namespace gantry::cli
