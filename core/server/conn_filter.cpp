#include "core/server/conn_filter.hpp"

#include "core/base/log.hpp"
#include "core/net/socket_op.hpp"
#include "core/net/wheel.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace gantry::server {
namespace {

// What a filter is shown. The bytes stay with the kernel, and are taken from there once it is known how many:
// what follows a preface belongs to TLS or HTTP, which read the descriptor themselves.
class Peek {
public:
    Peek(int fd, std::size_t most) {
        if (most == 0) return;
        thread_local std::vector<char> buffer;
        if (buffer.size() < most) buffer.resize(most);
        const ssize_t got = ::recv(fd, buffer.data(), most, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0) bytes_ = {buffer.data(), static_cast<std::size_t>(got)};
        if (bytes_.size() == most) {
            arrival_ = Arrival::Full;
        } else if (got == 0 || has_ended(fd)) {
            arrival_ = Arrival::Ended;
        }
    }

    std::string_view bytes() const { return bytes_; }  // until the next Peek on this thread
    Arrival arrival() const { return arrival_; }

private:
    // Bytes that wait to be read hide the end behind them.
    static bool has_ended(int fd) {
        pollfd poll{fd, POLLRDHUP, 0};
        return ::poll(&poll, 1, 0) == 1 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    }

    std::string_view bytes_;
    Arrival arrival_ = Arrival::Open;
};

// They are there: a peek has shown them.
bool drop(int fd, std::size_t count) {
    char unwanted[4096];
    while (count > 0) {
        const ssize_t got = ::recv(fd, unwanted, std::min(count, sizeof unwanted), MSG_DONTWAIT);
        if (got <= 0) return false;
        count -= static_cast<std::size_t>(got);
    }
    return true;
}

// The way of one connection through the filters. Holds the generation that they belong to.
class Passage {
public:
    enum class Step : std::uint8_t { Through, Wait, Refused };

    Passage(Newcomer newcomer, const std::vector<ConnFilter>& filters, WorkerContext& worker,
            NewcomerTaker& taker)
        : newcomer_(std::move(newcomer)),
          filters_(filters),
          worker_(worker),
          taker_(taker),
          use_(&worker.current()) {
        ++use_->exchanges;
    }
    Passage(Passage&& from) noexcept
        : newcomer_(std::move(from.newcomer_)),
          filters_(from.filters_),
          worker_(from.worker_),
          taker_(from.taker_),
          use_(std::exchange(from.use_, nullptr)),
          next_(from.next_) {}
    Passage& operator=(Passage&&) = delete;
    ~Passage() {
        if (use_ != nullptr) worker_.release(*use_);
    }

    Step advance(int fd, bool is_late) {
        for (; next_ < filters_.size(); ++next_, is_late = false) {
            const ConnFilter& filter = filters_[next_];
            const Peek peek(fd, filter.most);
            const Arrival arrival =
                is_late && peek.arrival() == Arrival::Open ? Arrival::Late : peek.arrival();
            std::size_t taken = 0;
            const Verdict verdict = filter.run(newcomer_, filter.self, peek.bytes(), arrival, taken);
            if (verdict == Verdict::Wait && arrival == Arrival::Open && filter.most > 0) return Step::Wait;
            if (verdict != Verdict::Next) return Step::Refused;
            if (taken > peek.bytes().size()) {
                log::error("filter of connections takes more than it saw hook={}", filter.name);
                return Step::Refused;
            }
            if (!drop(fd, taken)) return Step::Refused;
        }
        return Step::Through;
    }

    Millis deadline() const { return filters_[next_].deadline; }
    std::size_t at() const { return next_; }
    WorkerContext& worker() { return worker_; }

    // Of the last step, which was not Wait.
    void end(Step step, UniqueFd fd) {
        if (step == Step::Through) return taker_.on_through(std::move(fd), std::move(newcomer_));
        fd = {};
        taker_.on_refused();
    }

private:
    Newcomer newcomer_;
    const std::vector<ConnFilter>& filters_;
    WorkerContext& worker_;
    NewcomerTaker& taker_;
    GenerationUse* use_;
    std::size_t next_ = 0;
};

// A connection that a filter waits for. Deletes itself.
class Waiting final : net::SocketOp, net::Deadline {
public:
    static void begin(UniqueFd fd, Passage passage) {
        auto* waiting = new Waiting(std::move(fd), std::move(passage));
        if (!waiting->is_open()) return waiting->end(Passage::Step::Refused);
        waiting->wait();
    }

private:
    Waiting(UniqueFd fd, Passage passage) : SocketOp(std::move(fd)), passage_(std::move(passage)) {}
    ~Waiting() override = default;

    void wait() {
        net::Worker& net = passage_.worker().net();
        if (!Deadline::is_set()) net.wheel().set(*this, net.now() + passage_.deadline());
        want_read();
    }
    void advance(bool is_late) {
        const std::size_t before = passage_.at();
        const Passage::Step step = passage_.advance(fd(), is_late);
        if (step != Passage::Step::Wait) return end(step);
        // Each filter has its own time.
        if (passage_.at() != before) passage_.worker().net().wheel().clear(*this);
        wait();
    }
    void end(Passage::Step step) {
        Passage passage = std::move(passage_);
        passage.worker().net().wheel().clear(*this);
        UniqueFd fd = detach();
        release();
        passage.end(step, std::move(fd));
    }

    void on_readable() override { advance(false); }
    void on_writable() override {}
    void on_deadline() override { advance(true); }
    void on_drain() override { end(Passage::Step::Refused); }

    Passage passage_;
};

}  // namespace

http::ConnectionNotes& Newcomer::note() {
    if (notes == nullptr) notes = std::make_unique<http::ConnectionNotes>();
    return *notes;
}

void filter_connection(UniqueFd fd, Newcomer newcomer, const std::vector<ConnFilter>& filters,
                       WorkerContext& worker, NewcomerTaker& taker) {
    newcomer.fd = fd.get();
    Passage passage(std::move(newcomer), filters, worker, taker);
    const Passage::Step step = passage.advance(fd.get(), false);
    if (step == Passage::Step::Wait) return Waiting::begin(std::move(fd), std::move(passage));
    passage.end(step, std::move(fd));
}

}  // namespace gantry::server
