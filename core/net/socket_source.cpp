#include "core/net/socket_source.hpp"

#include "core/net/address.hpp"
#include "core/net/listener.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace gantry::net {

Result<std::vector<UniqueFd>> OwnSockets::open(const conf::Address& address, const conf::Listener& listener,
                                               unsigned count) {
    const bool is_unix = address.family == conf::Address::Family::Unix;
    std::vector<UniqueFd> sockets;
    conf::Address at = address;
    while (sockets.size() < count) {
        if (is_unix && !sockets.empty()) {
            sockets.emplace_back(::fcntl(sockets.front().get(), F_DUPFD_CLOEXEC, 0));
            if (!sockets.back()) return fail(Code::Internal, Side::Us, "while opening the socket", errno);
            continue;
        }
        auto socket = open_listening_socket(at, listener.backlog, !is_unix, listener.unix_mode);
        if (!socket) return tl::unexpected(socket.error());
        // The kernel chose the port for the first one; the others share it.
        if (at.port == 0 && !is_unix) at.port = PeerAddress::of_local(socket->get()).port;
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

void OwnSockets::close(const conf::Address& address) {
    if (address.family == conf::Address::Family::Unix) ::unlink(address.host.c_str());
}

}  // namespace gantry::net
