// Where listening sockets come from: opened here, or by the supervisor, who keeps them when this process
// dies.
#pragma once

#include "core/base/result.hpp"
#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"

#include <vector>

namespace gantry::net {

class SocketSource {
public:
    virtual ~SocketSource() = default;

    // `count` sockets that are bound to `address` and listening: sharing the port, or duplicates of one for a
    // unix socket. The error's `system` is the errno of the step that its context names.
    virtual Result<std::vector<UniqueFd>> open(const conf::Address& address, const conf::Listener& listener,
                                               unsigned count) = 0;
    // The address is not needed any more.
    virtual void close(const conf::Address& address) = 0;
};

// Opens them in this process.
class OwnSockets final : public SocketSource {
public:
    Result<std::vector<UniqueFd>> open(const conf::Address& address, const conf::Listener& listener,
                                       unsigned count) override;
    void close(const conf::Address& address) override;
};

}  // namespace gantry::net
