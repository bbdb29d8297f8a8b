#include "core/server/log_channel.hpp"
#include "core/server/log_sink.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::server {

namespace {

constexpr Millis kCloseUnusedAfter = 5'000;
constexpr Millis kStopPatience = 1'000;
constexpr Millis kHousekeeping = 1'000;

}  // namespace

class LogThreadImpl : public std::enable_shared_from_this<LogThreadImpl> {
public:
    LogThreadImpl() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    void start() {
        thread_ = std::thread([self = shared_from_this()] { self->run(); });
    }
    tl::expected<std::shared_ptr<LogTarget>, std::string> open(std::string_view name);
    std::unique_ptr<LogBuffer> make_buffer();
    void reopen();
    bool flush(Millis timeout);
    void stop();
    std::uint64_t dropped();
    std::vector<LogThread::TargetStatus> status();

private:
    void release(LogSink* sink);
    void wake();

    void run();
    void wait();
    bool drain();  // true: there was something
    void write_chunk(LogChunk& chunk);
    void keep_house();
    void finish();

    UniqueFd wake_fd_;
    std::thread thread_;

    std::mutex mutex_;  // guards what follows; the thread never holds it while it writes
    std::condition_variable changed_;
    std::list<LogSink> sinks_;  // never shrinks, so that a late line finds its target
    std::vector<std::shared_ptr<LogChannel>> channels_;
    std::uint64_t flush_wanted_ = 0;
    std::uint64_t flush_done_ = 0;
    bool reopen_wanted_ = false;
    bool stop_wanted_ = false;
    bool stopped_ = false;

    // of the thread alone
    std::vector<std::shared_ptr<LogChannel>> my_channels_;
    std::vector<LogSink*> my_sinks_;
    std::vector<pollfd> polled_;
    std::vector<std::pair<LogTarget*, std::uint32_t>> order_;
    std::string gathered_;
};

tl::expected<std::shared_ptr<LogTarget>, std::string> LogThreadImpl::open(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto sink =
        std::find_if(sinks_.begin(), sinks_.end(), [&](const LogSink& each) { return each.name() == name; });
    if (sink == sinks_.end()) {
        sinks_.emplace_back(std::string(name));
        sink = std::prev(sinks_.end());
        if (std::string error = sink->open_first(); !error.empty()) {
            sinks_.pop_back();
            return tl::unexpected(std::move(error));
        }
    } else if (sink->leases == 0) {
        // It may be closed, and is opened with the next line; whether that can work has to be known now.
        if (std::string error = sink->check(); !error.empty()) return tl::unexpected(std::move(error));
    }
    ++sink->leases;
    return std::shared_ptr<LogTarget>(
        &*sink, [self = shared_from_this(), pointer = &*sink](LogTarget*) { self->release(pointer); });
}

void LogThreadImpl::release(LogSink* sink) {
    const std::lock_guard lock(mutex_);
    if (--sink->leases > 0) return;
    sink->unused_since = monotonic_millis();
    wake();
}

std::unique_ptr<LogBuffer> LogThreadImpl::make_buffer() {
    auto channel = std::make_shared<LogChannel>(::fcntl(wake_fd_.get(), F_DUPFD_CLOEXEC, 3));
    const std::lock_guard lock(mutex_);
    channels_.push_back(channel);
    return std::make_unique<LogBuffer>(std::move(channel));
}

void LogThreadImpl::reopen() {
    const std::lock_guard lock(mutex_);
    reopen_wanted_ = true;
    wake();
}

bool LogThreadImpl::flush(Millis timeout) {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++flush_wanted_;
    wake();
    return changed_.wait_for(lock, std::chrono::milliseconds(timeout),
                             [&] { return flush_done_ >= mine || stopped_; });
}

void LogThreadImpl::stop() {
    if (!thread_.joinable()) return;
    std::unique_lock lock(mutex_);
    stop_wanted_ = true;
    wake();
    // A disk that hangs holds the thread for ever; the process ends without it then.
    const bool ended =
        changed_.wait_for(lock, std::chrono::milliseconds(3 * kStopPatience), [this] { return stopped_; });
    lock.unlock();
    ended ? thread_.join() : thread_.detach();
}

std::uint64_t LogThreadImpl::dropped() {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const LogSink& sink : sinks_) sum += sink.dropped();
    return sum;
}

std::vector<LogThread::TargetStatus> LogThreadImpl::status() {
    const std::lock_guard lock(mutex_);
    std::vector<LogThread::TargetStatus> out;
    for (const LogSink& sink : sinks_) {
        if (sink.leases > 0 || sink.dropped() > 0)
            out.push_back({sink.name(), sink.written(), sink.dropped()});
    }
    return out;
}

void LogThreadImpl::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
}

// ---- the thread

void LogThreadImpl::run() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // SIGPIPE of a closed stdout too
    ::pthread_setname_np(::pthread_self(), "gantry-log");
    for (;;) {
        std::uint64_t flush_wanted = 0;
        bool reopen = false;
        bool stop = false;
        {
            const std::lock_guard lock(mutex_);
            my_channels_ = channels_;
            flush_wanted = flush_wanted_;
            reopen = std::exchange(reopen_wanted_, false);
            stop = stop_wanted_;
        }
        while (drain()) {
        }
        {
            // Only now: what was drained may be for a target that was opened meanwhile.
            const std::lock_guard lock(mutex_);
            my_sinks_.clear();
            for (LogSink& sink : sinks_) my_sinks_.push_back(&sink);
        }
        if (reopen) {
            for (LogSink* sink : my_sinks_) {
                if (sink->is_open()) sink->reopen();
            }
        }
        bool pending = false;
        for (LogSink* sink : my_sinks_) {
            if (sink->has_pending()) sink->write_pending();
            pending = pending || sink->has_pending();
        }
        keep_house();
        if (stop) return finish();
        if (!pending) {
            const std::lock_guard lock(mutex_);
            flush_done_ = std::max(flush_done_, flush_wanted);
            changed_.notify_all();
        }
        wait();
    }
}

// Sleeps until somebody wakes us, a full stream takes more, or it is time to look after things.
void LogThreadImpl::wait() {
    polled_.assign(1, {wake_fd_.get(), POLLIN, 0});
    bool keep_house = false;
    {
        const std::lock_guard lock(mutex_);
        for (LogSink* sink : my_sinks_) {
            if (sink->has_pending()) polled_.push_back({sink->fd(), POLLOUT, 0});
            keep_house = keep_house || sink->has_unreported() || (sink->leases == 0 && sink->is_open());
        }
    }
    ::poll(polled_.data(), polled_.size(), keep_house ? static_cast<int>(kHousekeeping) : -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &count, sizeof count);
}

bool LogThreadImpl::drain() {
    bool any = false;
    for (const auto& channel : my_channels_) {
        // Asked before looking: a buffer closes after its last hand-over.
        const bool closed = channel->is_closed();
        while (LogChunk* chunk = channel->next()) {
            write_chunk(*chunk);
            channel->give_back(chunk);
            any = true;
        }
        if (!closed) continue;
        const std::lock_guard lock(mutex_);
        channels_.erase(std::remove(channels_.begin(), channels_.end(), channel), channels_.end());
    }
    return any;
}

// One write per target, whatever order its lines came in among those of others.
void LogThreadImpl::write_chunk(LogChunk& chunk) {
    order_.clear();
    for (std::uint32_t i = 0; i < chunk.run_count; ++i) order_.emplace_back(chunk.runs[i].target, i);
    std::sort(order_.begin(), order_.end());
    for (std::size_t i = 0; i < order_.size();) {
        auto* const sink = static_cast<LogSink*>(order_[i].first);
        std::string_view bytes;
        std::uint64_t lines = 0;
        gathered_.clear();
        std::size_t runs = 0;
        for (; i < order_.size() && order_[i].first == sink; ++i, ++runs) {
            const std::uint32_t index = order_[i].second;
            const std::size_t begin = index == 0 ? 0 : chunk.runs[index - 1].end;
            bytes = {chunk.bytes.data() + begin, chunk.runs[index].end - begin};
            lines += chunk.runs[index].lines;
            if (order_.size() > 1) gathered_ += bytes;
        }
        sink->write(runs == 1 ? bytes : std::string_view(gathered_), lines);
    }
}

void LogThreadImpl::keep_house() {
    const Millis now = monotonic_millis();
    std::vector<LogSink*> unused;
    {
        const std::lock_guard lock(mutex_);
        for (LogSink* sink : my_sinks_) {
            if (sink->leases == 0 && sink->is_open() && now - sink->unused_since >= kCloseUnusedAfter)
                unused.push_back(sink);
        }
    }
    for (LogSink* sink : unused) {
        sink->drop_pending();
        sink->close();
    }
    for (LogSink* sink : my_sinks_) sink->report(now);
}

void LogThreadImpl::finish() {
    const Millis end = monotonic_millis() + kStopPatience;
    for (LogSink* sink : my_sinks_) {
        for (Millis now = monotonic_millis(); sink->has_pending() && now < end; now = monotonic_millis()) {
            pollfd state{sink->fd(), POLLOUT, 0};
            ::poll(&state, 1, static_cast<int>(end - now));
            sink->write_pending();
        }
        sink->drop_pending();
        sink->report(monotonic_millis(), true);
        sink->close();
    }
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

// ---- the face

LogThread::LogThread() : impl_(std::make_shared<LogThreadImpl>()) {
    impl_->start();
}

LogThread::~LogThread() {
    stop();
}

tl::expected<std::shared_ptr<LogTarget>, std::string> LogThread::open(std::string_view target) {
    return impl_->open(target);
}

std::unique_ptr<LogBuffer> LogThread::make_buffer() {
    return impl_->make_buffer();
}

void LogThread::reopen() {
    impl_->reopen();
}

bool LogThread::flush(Millis timeout) {
    return impl_->flush(timeout);
}

void LogThread::stop() {
    impl_->stop();
}

std::vector<LogThread::TargetStatus> LogThread::status() const {
    return impl_->status();
}

std::uint64_t LogThread::dropped() const {
    return impl_->dropped();
}

}  // namespace gantry::server
