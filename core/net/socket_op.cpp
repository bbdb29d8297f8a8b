#include "core/net/socket_op.hpp"

#include "core/net/file_reader.hpp"
#include "core/net/worker.hpp"

#include <asio.hpp>
#include <asio/detail/reactor.hpp>
#include <asio/detail/reactor_op.hpp>
#include <asio/detail/scheduler.hpp>
#include <new>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// The reactor is Asio's internal interface. These are the versions that it was read and tested with.
static_assert(ASIO_VERSION >= 102200 && ASIO_VERSION < 104000,
              "check socket_op.cpp against this version of Asio");

namespace gantry::net {
namespace {

using Reactor = asio::detail::reactor;
using Status = asio::detail::reactor_op::status;

Reactor& reactor_of(Worker& worker) {
    return *static_cast<Reactor*>(worker.reactor());
}
Reactor::per_descriptor_data as_descriptor(void* descriptor) {
    return static_cast<Reactor::per_descriptor_data>(descriptor);
}
const asio::error_code kNoError;

// The reactor leaves the events of the last edge in the state of the descriptor, for itself.
struct LastEdge : asio::detail::scheduler_operation {
    static unsigned events(const asio::detail::scheduler_operation& state) {
        return state.*(&LastEdge::task_result_);
    }
};

bool said_hang_up(void* descriptor) {
    // Its base class is private, which a cast of the old kind may pass by ([expr.cast]/4).
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast)
    const auto* state = (const asio::detail::scheduler_operation*)as_descriptor(descriptor);
    return (LastEdge::events(*state) & EPOLLHUP) != 0;
}

}  // namespace

// Does no I/O: the reactor calls perform() when an edge came, and "exhausted" makes it wait for the next one
// without asking the kernel. The owner reads or writes when the operation completes.
struct SocketOp::Op : asio::detail::reactor_op {
    explicit Op(SocketOp* socket) : reactor_op(kNoError, &Op::perform, &Op::complete) {
        cancellation_key_ =
            socket;  // nothing here is cancelled by key; a member of our own would cost memory
    }
    SocketOp& owner() const { return *static_cast<SocketOp*>(cancellation_key_); }

    static Status perform(reactor_op* base) {
        // Right after registration no edge can have come yet, but the reactor, not knowing that, asks. Saying
        // "not done" saves a read that would find nothing; the first edge is certain to be reported.
        const SocketOp& owner = static_cast<Op*>(base)->owner();
        if ((owner.flags_ & kFresh) != 0 && owner.starting_) return not_done;
        return done_and_exhausted;
    }

    static void complete(void* loop, asio::detail::operation* base, const asio::error_code&, std::size_t) {
        auto* op = static_cast<Op*>(base);
        op->owner().completed(*op, loop == nullptr);
    }
};

// What a connection needs that sends more than the kernel takes at once. Two operations, as one may wait for
// an edge while the other is posted.
struct SocketOp::WriteSide {
    explicit WriteSide(SocketOp* socket)
        : edge(socket),
          again(socket),
          files(socket, [](void* self) { static_cast<SocketOp*>(self)->want_write_again(); }) {}
    Op edge;
    Op again;
    FileReader files;
};

SocketOp::Op& SocketOp::read_op() {
    return *std::launder(reinterpret_cast<Op*>(read_op_));
}

SocketOp::WriteSide& SocketOp::write_side() {
    if (write_side_ == nullptr) write_side_ = new WriteSide(this);
    return *write_side_;
}

FileReader& SocketOp::files() {
    return write_side().files;
}

FileReader* SocketOp::files_if_made() {
    return write_side_ != nullptr ? &write_side_->files : nullptr;
}

bool SocketOp::is_fetching() const {
    return write_side_ != nullptr && write_side_->files.is_fetching();
}

SocketOp::SocketOp(UniqueFd fd) : fd_(fd.release()) {
    static_assert(sizeof(Op) <= sizeof read_op_ && alignof(Op) <= 8);
    new (read_op_) Op(this);
    if (fd_ < 0) return;
    Reactor::per_descriptor_data descriptor = nullptr;
    if (reactor_of(*Worker::current()).register_descriptor(fd_, descriptor) != 0) {
        ::close(std::exchange(fd_, -1));
        return;
    }
    descriptor_ = descriptor;
}

SocketOp::~SocketOp() {
    delete write_side_;
}

void SocketOp::start(int kind, Op& op) {
    auto descriptor = as_descriptor(descriptor_);
    starting_ = true;
    reactor_of(*Worker::current()).start_op(kind, fd_, descriptor, &op, true, true);
    starting_ = false;
}

void SocketOp::post(Op& op) {
    static_cast<asio::detail::scheduler*>(Worker::current()->scheduler())
        ->post_immediate_completion(&op, true);
}

void SocketOp::want_read() {
    if ((flags_ & kReading) != 0 || fd_ < 0) return;
    flags_ |= kReading;
    has_more() ? post(read_op()) : start(Reactor::read_op, read_op());
}

void SocketOp::want_write() {
    if ((flags_ & kWriting) != 0 || fd_ < 0) return;
    flags_ |= kWriting;
    start(Reactor::write_op, write_side().edge);
}

void SocketOp::want_write_again() {
    if ((flags_ & kAgain) != 0 || fd_ < 0) return;
    flags_ |= kAgain;
    post(write_side().again);
}

void SocketOp::completed(Op& op, bool loop_is_gone) {
    const bool write = write_side_ != nullptr && (&op == &write_side_->edge || &op == &write_side_->again);
    const std::uint8_t which = !write ? kReading : &op == &write_side_->edge ? kWriting : kAgain;
    flags_ &= static_cast<std::uint8_t>(~(which | kFresh));
    if ((flags_ & kReleased) != 0) {
        if ((flags_ & kPending) == 0) delete this;
        return;
    }
    if (loop_is_gone || fd_ < 0) return;
    said_hang_up(descriptor_) ? flags_ |= kHungUp : flags_ &= static_cast<std::uint8_t>(~kHungUp);
    Worker::current()->enter_event();
    write ? on_writable() : on_readable();
}

bool SocketOp::is_reset() const {
    if (!is_hung_up()) return false;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0;
}

std::int64_t SocketOp::bytes_before_end() const {
    // The reactor does not ask for EPOLLRDHUP, so the edges do not tell.
    pollfd poll{fd_, POLLRDHUP, 0};
    if (::poll(&poll, 1, 0) != 1 || (poll.revents & POLLRDHUP) == 0) return -1;
    int left = 0;
    return ::ioctl(fd_, FIONREAD, &left) == 0 ? left : -1;
}

void SocketOp::close() {
    if (fd_ < 0) return;
    Reactor& reactor = reactor_of(*Worker::current());
    auto descriptor = as_descriptor(descriptor_);
    reactor.deregister_descriptor(fd_, descriptor, true);  // what waits completes as aborted, later
    ::close(std::exchange(fd_, -1));
    reactor.cleanup_descriptor_data(descriptor);
    descriptor_ = nullptr;
}

UniqueFd SocketOp::detach() {
    if (fd_ < 0) return {};
    Reactor& reactor = reactor_of(*Worker::current());
    auto descriptor = as_descriptor(descriptor_);
    reactor.deregister_descriptor(fd_, descriptor, false);
    reactor.cleanup_descriptor_data(descriptor);
    descriptor_ = nullptr;
    return UniqueFd(std::exchange(fd_, -1));
}

void SocketOp::release() {
    close();
    if ((flags_ & kPending) == 0) {
        delete this;
        return;
    }
    flags_ |= kReleased;
}

}  // namespace gantry::net
