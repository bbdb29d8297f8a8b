#include "core/net/socket_broker.hpp"

#include "core/base/log.hpp"
#include "core/net/listener.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace gantry::net {
namespace {

constexpr unsigned kFdsPerMessage = 128;  // the kernel takes 253

const char* const kContexts[] = {"",
                                 "while reading the address",
                                 "while opening the socket",
                                 "while binding",
                                 "while listening",
                                 "while asking the supervisor for the socket"};

std::uint32_t context_number(const char* context) {
    for (std::uint32_t i = 0; i < std::size(kContexts); ++i) {
        if (std::strcmp(kContexts[i], context) == 0) return i;
    }
    return 0;
}

// Room for descriptors beside one message.
struct alignas(cmsghdr) Ancillary {
    char bytes[CMSG_SPACE(sizeof(int) * kFdsPerMessage)] = {};
};

// Of SOCK_SEQPACKET: all of it or nothing, with descriptors beside it.
bool send_message(int fd, const void* data, std::size_t size, const UniqueFd* files, std::size_t count) {
    iovec vector{const_cast<void*>(data), size};
    Ancillary ancillary;
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        for (std::size_t i = 0; i < count; ++i) {
            const int file = files[i].get();
            std::memcpy(CMSG_DATA(header) + sizeof(int) * i, &file, sizeof file);
        }
    }
    return ::sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

// As recvmsg(2); what came beside the message is added to `files`.
ssize_t receive_message(int fd, void* data, std::size_t size, std::vector<UniqueFd>& files) {
    iovec vector{data, size};
    Ancillary ancillary;
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.bytes;
    message.msg_controllen = sizeof ancillary.bytes;
    ssize_t got;
    do {
        got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return got;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int file;
            std::memcpy(&file, CMSG_DATA(header) + sizeof(int) * i, sizeof file);
            files.emplace_back(file);
        }
    }
    return got;
}

}  // namespace

struct BrokerReply {
    std::uint32_t count = 0;  // descriptors in this message
    std::uint32_t left = 0;   // and in those that follow
    std::uint32_t context = 0;
    int system = 0;
};

// Both ends are the same program, so the layout is no one else's business.
struct BrokerRequest {
    enum class Kind : std::uint32_t { Open, Close, Limit, Report };
    Kind kind = Kind::Open;
    std::uint32_t count = 0;
    std::uint32_t family = 0;
    std::uint32_t port = 0;
    std::uint32_t unix_mode = 0;
    int backlog = 0;
    uid_t user = 0;
    gid_t group = 0;
    Report::State state = Report::State::Ready;
    Millis limit = 0;
    std::uint64_t generation = 0;
    std::int64_t loaded = 0;
    bool is_confirmed = true;
    char host[128] = {};
    char tag[128] = {};
    char text[256] = {};

    conf::Address address() const {
        conf::Address address;
        address.family = static_cast<conf::Address::Family>(family);
        address.host = host;
        address.port = static_cast<std::uint16_t>(port);
        return address;
    }
    std::string key() const {
        return std::to_string(family) + " " + host + " " + std::to_string(port) + " " + tag;
    }
};

namespace {

BrokerRequest request_for(BrokerRequest::Kind kind, const conf::Address& address) {
    BrokerRequest request;
    request.kind = kind;
    request.family = static_cast<std::uint32_t>(address.family);
    request.port = address.port;
    std::strncpy(request.host, address.host.c_str(), sizeof request.host - 1);
    std::strncpy(request.tag, address.tag.c_str(), sizeof request.tag - 1);
    return request;
}

}  // namespace

// The rights of a user on the file system, for a moment: whoever takes over the server process shall not
// have sockets made, or files removed, where that user could not. Only in a process with one thread.
struct SocketBroker::AsUser {
    AsUser(const std::optional<FileRights>& limit, const conf::Address& address)
        : is_on(limit.has_value() && address.family == conf::Address::Family::Unix) {
        if (!is_on) return;
        ::setfsgid(limit->group);
        ::setfsuid(limit->user);
    }
    ~AsUser() {
        if (!is_on) return;
        ::setfsuid(::geteuid());
        ::setfsgid(::getegid());
    }
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;
    const bool is_on;
};

SocketBroker::~SocketBroker() {
    for (const auto& [key, kept] : kept_) {
        const AsUser rights(limit_, kept.address);
        if (!kept.is_passed) own_.close(kept.address);
    }
}

bool SocketBroker::serve(int fd, Client client, const std::function<void(Report)>& on_report) {
    BrokerRequest request;
    std::vector<UniqueFd> files;
    const ssize_t got = receive_message(fd, &request, sizeof request, files);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got != sizeof request) return true;
    request.host[sizeof request.host - 1] = '\0';
    request.tag[sizeof request.tag - 1] = '\0';
    request.text[sizeof request.text - 1] = '\0';
    switch (request.kind) {
        case BrokerRequest::Kind::Open:
            open(fd, request);
            break;
        case BrokerRequest::Kind::Close:
            if (client == Client::Current) close(request);
            break;
        case BrokerRequest::Kind::Limit:
            if (!limit_) limit_ = FileRights{request.user, request.group, request.text};
            break;
        case BrokerRequest::Kind::Report:
            on_report({request.state, request.text, request.limit, request.generation, request.loaded,
                       request.is_confirmed, files.empty() ? UniqueFd() : std::move(files.front())});
            break;
    }
    return true;
}

void SocketBroker::notify(int fd, const Notice& notice) {
    ::send(fd, &notice, sizeof notice, MSG_NOSIGNAL | MSG_DONTWAIT);
}

BrokerState SocketBroker::release() {
    BrokerState state;
    for (auto& [key, kept] : kept_) {
        state.kept.push_back({key, std::move(kept.address), std::move(kept.sockets), kept.is_passed});
    }
    kept_.clear();
    state.passed = passed_.release();
    state.limit = std::exchange(limit_, std::nullopt);
    return state;
}

void SocketBroker::adopt(BrokerState state) {
    for (auto& kept : state.kept) {
        kept_[kept.key] = {std::move(kept.address), std::move(kept.sockets), kept.is_passed};
    }
    passed_ = PassedSockets(std::move(state.passed));
    limit_ = std::move(state.limit);
}

Result<std::vector<UniqueFd>> SocketBroker::make(const BrokerRequest& request, Kept& entry) {
    const auto* const passed = passed_.give(request.address(), request.text, request.key());
    entry.is_passed = passed != nullptr;
    if (passed == nullptr) {
        conf::Listener listener;
        listener.backlog = request.backlog;
        listener.unix_mode = request.unix_mode;
        const AsUser rights(limit_, request.address());
        return own_.open(request.address(), listener, request.count);
    }
    adopt_listening_socket(passed->fd.get(), request.backlog);
    std::vector<UniqueFd> sockets;
    while (sockets.size() < request.count) {
        sockets.emplace_back(::fcntl(passed->fd.get(), F_DUPFD_CLOEXEC, 3));
        if (!sockets.back()) return fail(Code::Internal, Side::Us, kContexts[2], errno);
    }
    return sockets;
}

void SocketBroker::close(const BrokerRequest& request) {
    const auto kept = kept_.find(request.key());
    if (kept == kept_.end()) return;
    if (!kept->second.is_passed) {
        const AsUser rights(limit_, kept->second.address);
        own_.close(kept->second.address);
    }
    passed_.take_back(kept->first);
    kept_.erase(kept);
}

void SocketBroker::report_unused() {
    std::string unused;
    for (const PassedSockets::Socket& socket : passed_.all()) {
        if (!socket.user.empty()) continue;
        unused.append(unused.empty() ? "" : ", ").append(socket.address);
        if (!socket.name.empty()) unused.append(" (").append(socket.name).append(")");
    }
    if (!unused.empty() && unused != unused_) {
        log::warn(
            "sockets of the service manager that no listener uses: {}; clients connect to them and wait. "
            "Give a listener this address, name the socket as the listener (FileDescriptorName=), or "
            "take out ListenStream=",
            unused);
    }
    unused_ = std::move(unused);
}

void SocketBroker::open(int fd, const BrokerRequest& request) {
    Kept& entry = kept_[request.key()];
    entry.address = request.address();
    std::vector<UniqueFd>& kept = entry.sockets;
    if (kept.size() != request.count) {
        // A different number of workers: sockets that share a port are a group, so all are opened anew.
        kept.clear();
        auto sockets = make(request, entry);
        if (!sockets) {
            kept_.erase(request.key());
            const BrokerReply refusal{0, 0, context_number(sockets.error().context), sockets.error().system};
            send_message(fd, &refusal, sizeof refusal, nullptr, 0);
            return;
        }
        kept = std::move(*sockets);
    }
    for (std::uint32_t at = 0; at < request.count; at += kFdsPerMessage) {
        const std::uint32_t part = std::min(kFdsPerMessage, request.count - at);
        const BrokerReply reply{part, request.count - at - part, 0, 0};
        if (!send_message(fd, &reply, sizeof reply, kept.data() + at, part)) return;
    }
}

// What else comes is for later.
bool BrokeredSockets::receive_reply(BrokerReply& reply, std::vector<UniqueFd>& sockets) {
    for (;;) {
        Notice notice;
        const ssize_t got = receive_message(fd_.get(), &notice, sizeof notice, sockets);
        if (got == sizeof reply) {
            std::memcpy(static_cast<void*>(&reply), &notice, sizeof reply);
            return true;
        }
        if (got != sizeof notice) return false;
        notices_.push_back(notice);
    }
}

std::optional<Notice> BrokeredSockets::next_notice() {
    Notice notice;
    if (!notices_.empty()) {
        notice = notices_.front();
        notices_.pop_front();
    } else {
        const ssize_t got = ::recv(fd_.get(), &notice, sizeof notice, MSG_DONTWAIT);
        if (got == 0) is_alone_ = true;
        if (got != sizeof notice) return std::nullopt;
    }
    notice.text[sizeof notice.text - 1] = '\0';
    return notice;
}

Result<std::vector<UniqueFd>> BrokeredSockets::open(const conf::Address& address,
                                                    const conf::Listener& listener, unsigned count) {
    BrokerRequest request = request_for(BrokerRequest::Kind::Open, address);
    request.count = count;
    request.backlog = listener.backlog;
    request.unix_mode = listener.unix_mode;
    std::strncpy(request.text, listener.name.c_str(), sizeof request.text - 1);
    if (::send(fd_.get(), &request, sizeof request, MSG_NOSIGNAL) < 0) {
        return fail(Code::Internal, Side::Us, kContexts[5], errno);
    }
    std::vector<UniqueFd> sockets;
    BrokerReply reply;
    do {
        if (!receive_reply(reply, sockets)) return fail(Code::Internal, Side::Us, kContexts[5], EPIPE);
        if (reply.system != 0) {
            return fail(Code::Internal, Side::Us, kContexts[reply.context % std::size(kContexts)],
                        reply.system);
        }
    } while (reply.left > 0);
    return sockets;
}

void BrokeredSockets::close(const conf::Address& address) {
    const BrokerRequest request = request_for(BrokerRequest::Kind::Close, address);
    ::send(fd_.get(), &request, sizeof request, MSG_NOSIGNAL);
}

void BrokeredSockets::limit_to(uid_t user, gid_t group, const std::string& name) {
    BrokerRequest request;
    request.kind = BrokerRequest::Kind::Limit;
    request.user = user;
    request.group = group;
    std::strncpy(request.text, name.c_str(), sizeof request.text - 1);
    ::send(fd_.get(), &request, sizeof request, MSG_NOSIGNAL);
}

void BrokeredSockets::report(const Report& report) {
    BrokerRequest request;
    request.kind = BrokerRequest::Kind::Report;
    request.state = report.state;
    request.limit = report.limit;
    request.generation = report.generation;
    request.loaded = report.loaded;
    request.is_confirmed = report.is_confirmed;
    std::strncpy(request.text, report.text.c_str(), sizeof request.text - 1);
    send_message(fd_.get(), &request, sizeof request, &report.snapshot, report.snapshot ? 1 : 0);
}

}  // namespace gantry::net
