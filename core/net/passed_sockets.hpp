// Listening sockets that the service manager opened and passed on (systemd.socket(5), sd_listen_fds(3)):
// which of them belongs to which address of the configuration.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::net {

// Single-threaded. They stay open until the end, whether they are used or not: clients connect to them
// anyway.
class PassedSockets {
public:
    PassedSockets() = default;

    // Takes those that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES tell of, and the variables out of the
    // environment. What is no listening stream socket is left alone, with a warning in the log.
    static PassedSockets take();

    struct Socket {
        UniqueFd fd;
        std::string name;     // FileDescriptorName= of the unit
        std::string address;  // for people
        std::string user;     // the key it was given out for; "" = nobody uses it
    };

    explicit PassedSockets(std::vector<Socket> sockets) : sockets_(std::move(sockets)) {}

    // The socket for an address of a listener; null: open one. `key` names the address among all. First the
    // one that is bound to it; a dual-stack [::] is bound to 0.0.0.0 as well. Else one that is named like the
    // listener and given to nobody: then the unit decides about the address, and the log says so.
    const Socket* give(const conf::Address& address, std::string_view listener, const std::string& key);
    void take_back(std::string_view key);

    const std::vector<Socket>& all() const { return sockets_; }
    std::vector<Socket> release() { return std::exchange(sockets_, {}); }

private:
    Socket* bound_to(const conf::Address& address);
    Socket* named(const conf::Address& address, std::string_view listener);

    std::vector<Socket> sockets_;
};

}  // namespace gantry::net
