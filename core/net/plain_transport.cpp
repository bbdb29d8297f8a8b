// The plain transport: bytes as the kernel has them.
#include "core/net/file_reader.hpp"
#include "core/net/transport.hpp"
#include "core/net/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace gantry::net {
namespace {

constexpr std::size_t kTurnBytes = 1024 * 1024;
constexpr std::size_t kVectors = 64;

Io blocked() {
    return {Io::Kind::Blocked, 0, {}};
}

Io failed(int error, const char* context) {
    return {Io::Kind::Failed, 0, Error{Code::Closed, Side::Us, Retry::OnlyIfReused, error, context}};
}

class PlainTransport final : public Transport {
public:
    explicit PlainTransport(UniqueFd socket) : Transport(std::move(socket)) {}
    Io read(char* to, std::size_t size) override;
    Io write(Chain& chain) override;
    void shutdown_write() override { ::shutdown(fd(), SHUT_WR); }

private:
    Io send_memory(Chain& chain, std::size_t& sent);
    Io send_file(Chain& chain, std::size_t& sent);
};

Io PlainTransport::read(char* to, std::size_t size) {
    bool more = false;
    const ssize_t got = receive(to, size, more);
    set_more(more);
    if (got > 0) return {Io::Kind::Done, static_cast<std::size_t>(got), {}};
    if (got == 0) return {Io::Kind::Closed, 0, {}};
    if (errno == EAGAIN) return blocked();
    return failed(errno, "while reading");
}

Io PlainTransport::send_memory(Chain& chain, std::size_t& sent) {
    iovec vectors[kVectors];
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (; count < std::min(chain.segments(), kVectors) && bytes < kTurnBytes; ++count) {
        const Segment& segment = chain.at(count);
        if (segment.is_file()) break;
        vectors[count] = {const_cast<char*>(segment.data), segment.size};
        bytes += segment.size;
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    // What follows in the same turn should share packets with this.
    const int more = count < chain.segments() ? MSG_MORE : 0;
    ssize_t put;
    do {
        // One piece is the rule; send() spares the kernel the message header.
        put = count == 1 ? ::send(fd(), vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL | more)
                         : ::sendmsg(fd(), &message, MSG_NOSIGNAL | more);
    } while (put < 0 && errno == EINTR);
    if (put < 0) return errno == EAGAIN ? blocked() : failed(errno, "while sending");
    sent += static_cast<std::size_t>(put);
    chain.consume(static_cast<std::size_t>(put));
    return static_cast<std::size_t>(put) < bytes ? blocked() : Io{};
}

Io PlainTransport::send_file(Chain& chain, std::size_t& sent) {
    Segment& segment = chain.front();
    off_t offset = segment.offset;
    std::size_t wanted = std::min(segment.size, kTurnBytes);
    FileReader* const reader = wanted > FileReader::kUnasked ? &files() : files_if_made();
    if (reader != nullptr) {
        const std::size_t ready = reader->ready(segment, wanted);
        if (ready == 0 && reader->fetch(segment)) return blocked();
        if (ready != 0) wanted = ready;
    }
    const ssize_t put = ::sendfile(fd(), segment.fd, &offset, wanted);
    if (put < 0) return errno == EAGAIN || errno == EINTR ? blocked() : failed(errno, "while sending a file");
    // The file was cut off behind our back: what was promised can no longer be sent, and nothing may stand in
    // for it.
    if (put == 0) return failed(ENODATA, "while sending a file that became shorter");
    if (reader != nullptr) reader->took(static_cast<std::size_t>(put));
    sent += static_cast<std::size_t>(put);
    chain.consume(static_cast<std::size_t>(put));
    return static_cast<std::size_t>(put) < wanted ? blocked() : Io{};
}

Io PlainTransport::write(Chain& chain) {
    std::size_t sent = 0;
    while (!chain.empty()) {
        if (is_fetching()) return {Io::Kind::Blocked, sent, {}};
        if (sent >= kTurnBytes) {
            want_write_again();
            return {Io::Kind::Blocked, sent, {}};
        }
        Io io = chain.front().is_file() ? send_file(chain, sent) : send_memory(chain, sent);
        if (io.kind == Io::Kind::Blocked && !is_fetching()) want_write();
        if (io.kind != Io::Kind::Done) {
            io.bytes = sent;
            return io;
        }
    }
    return {Io::Kind::Done, sent, {}};
}

}  // namespace

TransportPtr make_plain_transport(UniqueFd fd) {
    TransportPtr transport(new PlainTransport(std::move(fd)));
    if (!transport->is_open()) return nullptr;
    return transport;
}

}  // namespace gantry::net
