#include "core/cli/service_manager.hpp"

#include "core/base/text.hpp"
#include "core/base/unique_fd.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

// 0: absent, or no number.
std::uint64_t number(const char* name) {
    return parse_decimal(environment(name)).value_or(0);
}

// A line break would begin another fact.
std::string one_line(std::string_view text) {
    std::string line(text);
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
    }
    return line;
}

}  // namespace

ServiceManager::ServiceManager() : socket_(environment("NOTIFY_SOCKET")) {
    const bool is_valid = socket_.size() > 1 && socket_.size() < sizeof(sockaddr_un::sun_path) &&
                          (socket_[0] == '/' || socket_[0] == '@');
    if (!is_valid) socket_.clear();
    if (is_valid && socket_[0] == '@') socket_[0] = '\0';
    // WATCHDOG_PID tells whether it is us who are meant, or a parent that passed its environment on.
    if (environment("WATCHDOG_PID").empty() ||
        number("WATCHDOG_PID") == static_cast<std::uint64_t>(::getpid())) {
        watchdog_ = static_cast<Millis>(number("WATCHDOG_USEC") / 1000);
    }
}

void ServiceManager::send(std::string_view lines) const {
    if (!is_there()) return;
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return;
    // A service manager that is stuck does not stop the service.
    const timeval patience{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, socket_.data(), socket_.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    ::sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
             size);
}

void ServiceManager::ready(std::string_view status) const {
    send(fmt::format("READY=1\nSTATUS={}", one_line(status)));
}

void ServiceManager::reloading() const {
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading", monotonic_nanos() / 1000));
}

void ServiceManager::stopping() const {
    send("STOPPING=1\nSTATUS=stopping");
}

void ServiceManager::status(std::string_view status) const {
    send(fmt::format("STATUS={}", one_line(status)));
}

void ServiceManager::extend(Millis time) const {
    send(fmt::format("EXTEND_TIMEOUT_USEC={}", time * 1000));
}

void ServiceManager::alive() const {
    if (watchdog_ > 0) send("WATCHDOG=1");
}

void ServiceManager::main_process(pid_t pid) const {
    send(fmt::format("MAINPID={}", pid));
}

}  // namespace gantry::cli
