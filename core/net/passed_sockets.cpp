#include "core/net/passed_sockets.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/net/address.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>

namespace gantry::net {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 4096;

// 0: absent, or no number.
std::uint64_t number(const char* name) {
    const char* const text = std::getenv(name);
    return text == nullptr ? 0 : parse_decimal(text).value_or(0);
}

int option(int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : 0;
}

sockaddr_storage local_address(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return address;
}

std::string show(int fd) {
    const sockaddr_storage address = local_address(fd);
    if (address.ss_family != AF_UNIX) return PeerAddress::from(address).to_string();
    return std::string("unix:") + reinterpret_cast<const sockaddr_un&>(address).sun_path;
}

bool is_unix(const PassedSockets::Socket& socket) {
    return local_address(socket.fd.get()).ss_family == AF_UNIX;
}

enum class Match { None, DualStack, Exact };

Match match(const PassedSockets::Socket& socket, const conf::Address& wanted) {
    sockaddr_storage want{};
    socklen_t size = 0;
    const bool wants_unix = wanted.family == conf::Address::Family::Unix;
    if (!make_sockaddr(wanted.host, wanted.port, wants_unix, want, size)) return Match::None;
    const sockaddr_storage have = local_address(socket.fd.get());
    if (wants_unix) {
        return have.ss_family == AF_UNIX && wanted.host == reinterpret_cast<const sockaddr_un&>(have).sun_path
                   ? Match::Exact
                   : Match::None;
    }
    if (have.ss_family == AF_UNIX) return Match::None;
    const PeerAddress a = PeerAddress::from(have);
    const PeerAddress b = PeerAddress::from(want);
    if (a.port != b.port) return Match::None;
    if (a.family == b.family) return a.ip == b.ip ? Match::Exact : Match::None;
    const bool is_dual = have.ss_family == AF_INET6 && a.ip == PeerAddress().ip &&
                         option(socket.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
    return is_dual && wanted.host == "0.0.0.0" ? Match::DualStack : Match::None;
}

std::optional<PassedSockets::Socket> adopt(int fd, std::string_view name) {
    UniqueFd owned(fd);
    const bool is_stream = option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
    if (!is_stream || option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0) {
        log::warn(
            "descriptor of the service manager not used: it is no listening stream socket fd={} name={}; "
            "its unit needs ListenStream= and Accept=no",
            fd, name);
        return std::nullopt;
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return PassedSockets::Socket{std::move(owned), std::string(name), show(fd), {}};
}

}  // namespace

PassedSockets PassedSockets::take() {
    PassedSockets passed;
    const bool is_ours = number("LISTEN_PID") == static_cast<std::uint64_t>(::getpid());
    const int count = is_ours ? static_cast<int>(std::min<std::uint64_t>(number("LISTEN_FDS"), kMost)) : 0;
    const char* const text = std::getenv("LISTEN_FDNAMES");
    std::string_view names = text != nullptr ? text : "";
    for (int i = 0; i < count; ++i) {
        const std::string_view name = names.substr(0, names.find(':'));
        if (auto socket = adopt(kFirst + i, name)) passed.sockets_.push_back(std::move(*socket));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    return passed;
}

PassedSockets::Socket* PassedSockets::bound_to(const conf::Address& address) {
    Socket* dual = nullptr;
    for (Socket& socket : sockets_) {
        const Match how = match(socket, address);
        if (how == Match::Exact) return &socket;
        if (how == Match::DualStack) dual = &socket;
    }
    return dual;
}

PassedSockets::Socket* PassedSockets::named(const conf::Address& address, std::string_view listener) {
    const bool wants_unix = address.family == conf::Address::Family::Unix;
    for (Socket& socket : sockets_) {
        if (socket.name == listener && socket.user.empty() && is_unix(socket) == wants_unix) return &socket;
    }
    return nullptr;
}

const PassedSockets::Socket* PassedSockets::give(const conf::Address& address, std::string_view listener,
                                                 const std::string& key) {
    Socket* socket = bound_to(address);
    if (socket == nullptr) {
        socket = named(address, listener);
        // Port 0 says that somebody else chooses.
        if (socket != nullptr && (address.port != 0 || is_unix(*socket))) {
            log::warn("listener {}: listens on {}, as the service manager passes it, not on {}:{}", listener,
                      socket->address, address.host, address.port);
        }
    }
    if (socket != nullptr) socket->user = key;
    return socket;
}

void PassedSockets::take_back(std::string_view key) {
    for (Socket& socket : sockets_) {
        if (socket.user == key) socket.user.clear();
    }
}

}  // namespace gantry::net
