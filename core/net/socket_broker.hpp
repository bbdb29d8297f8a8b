// Listening sockets over a process border: the supervisor opens and keeps them, the server process asks for
// duplicates. So a server process that dies leaves the sockets, and the clients that wait in them, to its
// successor.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/net/passed_sockets.hpp"
#include "core/net/socket_source.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gantry::net {

// What the server process tells the supervisor about itself.
struct Report {
    enum class State : std::uint32_t { Ready, Reloading, Stopping, Alive };
    State state = State::Ready;
    std::string text;  // one line for people; long ones are cut
    Millis limit = 0;  // of Stopping: how long that may take, negative: as long as it takes
};

// The supervisor's end. Single-threaded.
class SocketBroker {
public:
    // `passed`: handed out where they fit, in place of opening.
    explicit SocketBroker(PassedSockets passed = {}) : passed_(std::move(passed)) {}
    SocketBroker(const SocketBroker&) = delete;
    SocketBroker& operator=(const SocketBroker&) = delete;
    // Removes the files of unix sockets.
    ~SocketBroker();

    // In a forked child: lets go of the descriptors, which stay the supervisor's.
    void forget() {
        kept_.clear();
        passed_ = {};
    }

    // A server process that just started has said nothing yet.
    void expect_new_client() { limit_.reset(); }

    // Once the server process is ready: names in the log those that were passed for nothing.
    void report_unused();

    // Answers one request that waits on `fd` (a SOCK_SEQPACKET socket). False: the other end is closed.
    bool serve(int fd, const std::function<void(const Report&)>& on_report);

private:
    struct Kept {
        conf::Address address;
        std::vector<UniqueFd> sockets;
        bool is_passed = false;
    };
    void open(int fd, const struct BrokerRequest& request);
    struct Limit {
        uid_t user;
        gid_t group;
    };
    struct AsUser;
    Result<std::vector<UniqueFd>> make(const struct BrokerRequest& request, Kept& entry);
    void close(const struct BrokerRequest& request);

    OwnSockets own_;
    std::map<std::string, Kept> kept_;  // by address
    PassedSockets passed_;
    std::string unused_;          // as last reported
    std::optional<Limit> limit_;  // whose rights on files count
};

// The server process's end. [main]
class BrokeredSockets final : public SocketSource {
public:
    explicit BrokeredSockets(UniqueFd to_supervisor) : fd_(std::move(to_supervisor)) {}
    Result<std::vector<UniqueFd>> open(const conf::Address& address, const conf::Listener& listener,
                                       unsigned count) override;
    void close(const conf::Address& address) override;
    // Before rights are given up: from now on the supervisor makes and removes files of unix sockets with no
    // more rights than this user has. What was said first counts.
    void limit_to(uid_t user, gid_t group);
    // [any]
    void report(const Report& report);

private:
    UniqueFd fd_;
};

}  // namespace gantry::net
