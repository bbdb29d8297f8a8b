#include "core/server/syslog.hpp"

#include "core/base/clock.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::server {
namespace {

constexpr std::string_view kUnix = "syslog:";
constexpr std::string_view kUdp = "udp://";
constexpr int kPriority = 23 * 8 + 6;  // local7.info

UniqueFd connected(int family, const sockaddr* address, socklen_t size, int& error) {
    UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd && ::connect(fd.get(), address, size) == 0) return fd;
    error = errno;
    return {};
}

UniqueFd open_unix(std::string_view path, int& error) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        error = ENAMETOOLONG;
        return {};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, error);
}

UniqueFd open_udp(std::string_view server, int& error) {
    const auto colon = server.rfind(':');
    if (colon == server.npos) {
        error = EINVAL;
        return {};
    }
    std::string host(server.substr(0, colon));
    const std::string port(server.substr(colon + 1));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
        error = EHOSTUNREACH;
        return {};
    }
    UniqueFd fd;
    for (const addrinfo* each = found; each != nullptr && !fd; each = each->ai_next) {
        fd = connected(each->ai_family, each->ai_addr, each->ai_addrlen, error);
    }
    ::freeaddrinfo(found);
    return fd;
}

std::string host_name() {
    char name[256] = "";
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "-";
    return name;
}

}  // namespace

bool is_syslog_name(std::string_view target) {
    return target.starts_with(kUnix) || target.starts_with(kUdp);
}

UniqueFd open_syslog(std::string_view target, int& error) {
    if (target.starts_with(kUdp)) return open_udp(target.substr(kUdp.size()), error);
    return open_unix(target.substr(kUnix.size()), error);
}

std::string syslog_head(std::int64_t wall_nanos, std::string_view host, int pid) {
    const auto seconds = static_cast<std::time_t>(wall_nanos / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("<{}>1 {:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {} gantry {} access - ", kPriority,
                       parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                       parts.tm_sec, wall_nanos / 1'000'000 % 1000, host, pid);
}

int send_syslog(int fd, std::string_view line) {
    static const std::string host = host_name();
    std::string head = syslog_head(wall_nanos(), host, ::getpid());
    iovec parts[2] = {{head.data(), head.size()}, {const_cast<char*>(line.data()), line.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    for (;;) {
        if (::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

}  // namespace gantry::server
