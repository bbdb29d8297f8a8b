// Readiness of one descriptor, on Asio's reactor, without a system call or an allocation per wait (ADR 0003).
//
// The descriptor is registered once, edge-triggered. want_read() asks for one on_readable(); the owner then
// reads until the kernel says that nothing is left, and asks again. What the owner knows about bytes left
// behind goes in through set_more(): then the next want_read() fires by itself, as no edge will come.
#pragma once

#include "core/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>

namespace gantry::net {

class FileReader;
class Worker;

// Owns the descriptor. [worker] throughout. Deleting is done by release(): operations that the reactor still
// holds are awaited first.
class SocketOp {
public:
    SocketOp(const SocketOp&) = delete;
    SocketOp& operator=(const SocketOp&) = delete;

    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }

    void want_read();
    void want_write();
    // Like want_write(), for an owner that stopped though the kernel would have taken more: fires without an
    // edge.
    void want_write_again();
    bool is_waiting_for_read() const { return (flags_ & kReading) != 0; }

    // Are there (or may there be) bytes that no new edge will announce?
    void set_more(bool more) { more ? flags_ |= kMore : flags_ &= static_cast<std::uint8_t>(~kMore); }
    bool has_more() const { return (flags_ & kMore) != 0; }

    // Did the last edge say that the connection is over in both directions? What was received before can be
    // read still; behind it is an end or an error that no further edge will announce.
    bool is_hung_up() const { return (flags_ & kHungUp) != 0; }
    // Has the other side reset it? For an owner that does not read at present. To be told while that lasts it
    // asks with want_write(), whose on_writable() comes with every edge.
    bool is_reset() const;
    // Has the other side ended its direction, and how many bytes of the descriptor are left to read before
    // that end? -1: it has not. For the same owner, who is told in the same way.
    std::int64_t bytes_before_end() const;

    // Closes the descriptor at once; no callback comes after it.
    void close();
    // Gives the descriptor away, open; no callback comes after it.
    UniqueFd detach();
    // Closes, and deletes this object when the reactor has let go of it. Never delete it otherwise.
    void release();

protected:
    // Registers `fd`, non-blocking, with the loop of the worker that calls. On failure (the kernel refuses:
    // out of memory) is_open() is false and fd is closed.
    explicit SocketOp(UniqueFd fd);
    virtual ~SocketOp();

    virtual void on_readable() = 0;
    virtual void on_writable() = 0;

    // For an owner that sends files; on_writable() follows when what it fetched is here.
    FileReader& files();
    FileReader* files_if_made();
    bool is_fetching() const;

private:
    struct Op;  // the reactor's operation; in socket_op.cpp, so that Asio stays there
    struct WriteSide;
    static constexpr std::uint8_t kReading = 1, kWriting = 2, kMore = 4, kReleased = 8, kFresh = 16,
                                  kHungUp = 32, kAgain = 64;
    static constexpr std::uint8_t kPending = kReading | kWriting | kAgain;
    void completed(Op& op, bool loop_is_gone);
    void start(int kind, Op& op);
    static void post(Op& op);
    Op& read_op();
    WriteSide& write_side();

    alignas(8) std::byte read_op_[64];  // an Op, in place: every open connection waits for reading
    WriteSide* write_side_ = nullptr;   // made when a write blocks or a file is sent for the first time
    void* descriptor_ = nullptr;        // the reactor's state of this descriptor
    int fd_;
    std::uint8_t flags_ = kFresh;
    bool starting_ = false;  // inside start(): perform() is asked speculatively
};

}  // namespace gantry::net
