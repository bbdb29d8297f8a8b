// Listening sockets over a process border: the supervisor opens and keeps them, the server process asks for
// duplicates. So a server process that dies leaves the sockets, and the clients that wait in them, to its
// successor.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/net/passed_sockets.hpp"
#include "core/net/socket_source.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gantry::net {

// What the server process tells the supervisor about itself.
struct Report {
    // Upgrade: it asks for one; notices tell what became of it.
    enum class State : std::uint32_t { Ready, Reloading, Stopping, Alive, Serving, Confirmed, Upgrade };
    State state = State::Ready;
    std::string text = {};  // one line for people; long ones are cut
    Millis limit = 0;       // of Stopping: how long that may take, negative: as long as it takes
    // Of Serving, once a configuration is in use, and of Confirmed.
    std::uint64_t generation = 0;
    std::int64_t loaded = 0;   // seconds since 1970
    bool is_confirmed = true;  // false: it is on trial
    UniqueFd snapshot = {};    // may be missing
};

// What the supervisor tells the server process, unasked. Server processes of other versions read it too: it
// is not changed, and kinds that are not known are passed over.
struct Notice {
    enum class Kind : std::uint32_t { UpgradeBegins = 1, UpgradeFailed = 2, Upgraded = 3 };
    Kind kind = Kind::UpgradeBegins;
    std::int32_t pid = 0;  // of Upgraded: of the server process that goes on
    char text[2040] = {};  // of UpgradeFailed: why; of Upgraded: the version; ends with NUL
};

// Whose rights on files count.
struct FileRights {
    uid_t user;
    gid_t group;
    std::string name;  // of the account, or ""
};

// All that a SocketBroker has.
struct BrokerState {
    struct Kept {
        std::string key;
        conf::Address address;
        std::vector<UniqueFd> sockets;
        bool is_passed = false;
    };
    std::vector<Kept> kept;
    std::vector<PassedSockets::Socket> passed;
    std::optional<FileRights> limit;
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

    // As the first server process said it.
    const std::optional<FileRights>& limit() const { return limit_; }

    // It has nothing afterwards.
    BrokerState release();
    // Of one that has nothing.
    void adopt(BrokerState state);

    // Once the server process is ready: names in the log those that were passed for nothing.
    void report_unused();

    // Answers one request that waits on `fd` (a SOCK_SEQPACKET socket). False: the other end is closed.
    // Predecessor: another server process goes on with the sockets, so none is closed for it.
    enum class Client { Current, Predecessor };
    bool serve(int fd, Client client, const std::function<void(Report)>& on_report);
    static void notify(int fd, const Notice& notice);

private:
    struct Kept {
        conf::Address address;
        std::vector<UniqueFd> sockets;
        bool is_passed = false;
    };
    void open(int fd, const struct BrokerRequest& request);
    struct AsUser;
    Result<std::vector<UniqueFd>> make(const struct BrokerRequest& request, Kept& entry);
    void close(const struct BrokerRequest& request);

    OwnSockets own_;
    std::map<std::string, Kept> kept_;  // by address
    PassedSockets passed_;
    std::string unused_;  // as last reported
    std::optional<FileRights> limit_;
};

// The server process's end. [main]
class BrokeredSockets final : public SocketSource {
public:
    explicit BrokeredSockets(UniqueFd to_supervisor) : fd_(std::move(to_supervisor)) {}
    Result<std::vector<UniqueFd>> open(const conf::Address& address, const conf::Listener& listener,
                                       unsigned count) override;
    void close(const conf::Address& address) override;
    // Before rights are given up: from now on the supervisor makes and removes files of unix sockets with no
    // more rights than this user has. What was said first counts, also from server processes that follow.
    // `name`: of the account, or "".
    void limit_to(uid_t user, gid_t group, const std::string& name);
    // [any]
    void report(const Report& report);
    // Readable when there may be a notice; -1 once there will be none, as the supervisor is gone. [main]
    int fd() const { return is_alone_ ? -1 : fd_.get(); }
    std::optional<Notice> next_notice();

private:
    bool receive_reply(struct BrokerReply& reply, std::vector<UniqueFd>& sockets);

    UniqueFd fd_;
    bool is_alone_ = false;
    std::deque<Notice> notices_;  // that came while an answer was waited for
};

}  // namespace gantry::net
