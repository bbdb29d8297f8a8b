#include "core/server/log_sink.hpp"

#include "core/base/log.hpp"
#include "core/server/syslog.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gantry::server {

namespace {

constexpr Millis kReportEvery = 60'000;

std::uint64_t count_lines(std::string_view text) {
    auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (!text.empty() && text.back() != '\n') ++lines;
    return lines;
}

}  // namespace

UniqueFd LogSink::open_path(int& error) const {
    if (is_syslog_name(name_)) return open_syslog(name_, error);
    const bool out = name_ == "stdout";
    if (is_standard()) {
        UniqueFd copy(::fcntl(out ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
        if (!copy) error = errno;
        return copy;
    }
    // A FIFO is opened for reading as well: then no reader need be there, and one that goes away breaks
    // nothing.
    struct stat status{};
    const bool is_fifo = ::stat(name_.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
    const int flags = is_fifo ? O_RDWR | O_NONBLOCK : O_WRONLY | O_APPEND | O_CREAT;
    UniqueFd fd(::open(name_.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0640));
    if (!fd) error = errno;
    return fd;
}

void LogSink::adopt(UniqueFd fd) {
    struct stat status{};
    ::fstat(fd.get(), &status);
    kind_ = is_syslog_name(name_)      ? Kind::Syslog
            : S_ISREG(status.st_mode)  ? Kind::File
            : S_ISSOCK(status.st_mode) ? Kind::Socket
                                       : Kind::Stream;
    fd_ = std::move(fd);
    is_broken_ = false;
    in_line_ = false;
}

std::string LogSink::open_first() {
    int error = 0;
    UniqueFd fd = open_path(error);
    if (!fd) return std::strerror(error);
    adopt(std::move(fd));
    return "";
}

std::string LogSink::check() const {
    int error = 0;
    return open_path(error) ? "" : std::strerror(error);
}

void LogSink::reopen() {
    if (is_standard()) return;
    int error = 0;
    UniqueFd fd = open_path(error);
    if (!fd) {
        log::error("access log not reopened: {} file={} while rotating logs", std::strerror(error), name_);
        return;
    }
    adopt(std::move(fd));
}

void LogSink::close() {
    fd_.reset();
}

void LogSink::lose(std::string_view lines) {
    dropped_.fetch_add(count_lines(lines), std::memory_order_relaxed);
}

void LogSink::write(std::string_view lines, std::uint64_t count) {
    if (!is_open()) {
        int error = 0;
        UniqueFd fd = open_path(error);
        if (!fd) {
            cause_ = error;
            dropped_.fetch_add(count, std::memory_order_relaxed);
            return;
        }
        adopt(std::move(fd));
    }
    written_.fetch_add(count, std::memory_order_relaxed);
    if (has_pending()) write_pending();
    std::string_view rest = lines;
    if (!has_pending()) rest.remove_prefix(put(rest));
    if (rest.empty()) return;
    if (kind_ != Kind::File && !is_broken_ && pending_.size() + rest.size() <= kMaxPending) {
        pending_ += rest;
        return;
    }
    if (kind_ != Kind::File && !is_broken_) cause_ = 0;
    written_.fetch_sub(std::min(count, count_lines(rest)), std::memory_order_relaxed);
    lose(rest);
}

// These say how many bytes were written.
std::size_t LogSink::put(std::string_view lines) {
    switch (kind_) {
        case Kind::File:
            return write_file(lines);
        case Kind::Syslog:
            return write_syslog(lines);
        default:
            return write_stream(lines);
    }
}

// One message for each line. What cannot be sent now stays; a syslog that is gone loses everything until it
// is back, and is looked for with the next lines.
std::size_t LogSink::write_syslog(std::string_view lines) {
    is_broken_ = false;
    std::size_t done = 0;
    bool was_refused = false;
    while (done < lines.size()) {
        const std::size_t end = std::min(lines.find('\n', done), lines.size());
        const int error = send_syslog(fd_.get(), lines.substr(done, end - done));
        if (error == EAGAIN || error == ENOBUFS) break;
        if (error == ECONNREFUSED && name_.starts_with("udp:") && !std::exchange(was_refused, true)) {
            // This is about a message before; the one at hand was not sent yet.
            cause_ = error;
            written_.fetch_sub(1, std::memory_order_relaxed);
            dropped_.fetch_add(1, std::memory_order_relaxed);
            continue;
        }
        was_refused = false;
        if (error == EMSGSIZE) {
            cause_ = error;
            written_.fetch_sub(1, std::memory_order_relaxed);
            dropped_.fetch_add(1, std::memory_order_relaxed);
        } else if (error != 0) {
            cause_ = error;
            is_broken_ = true;
            fd_.reset();
            break;
        }
        done = std::min(end + 1, lines.size());
    }
    return done;
}

std::size_t LogSink::write_file(std::string_view bytes) {
    if (in_line_) {  // the rest of a line was lost: what follows begins on a new one
        if (::write(fd_.get(), "\n", 1) != 1) {
            cause_ = errno;
            return 0;
        }
        in_line_ = false;
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t written = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            cause_ = written == 0 ? EIO : errno;
            in_line_ = done > 0 && bytes[done - 1] != '\n';
            break;
        }
        done += static_cast<std::size_t>(written);
    }
    return done;
}

bool LogSink::takes_more() const {
    pollfd state{fd_.get(), POLLOUT, 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & POLLOUT) != 0;
}

// In pieces that fit whole into a pipe which poll() calls writable, so that even one that is not ours to make
// non-blocking (stdout) never blocks.
std::size_t LogSink::write_stream(std::string_view bytes) {
    std::size_t done = 0;
    is_broken_ = false;
    while (done < bytes.size() && takes_more()) {
        std::string_view piece = bytes.substr(done, PIPE_BUF);
        if (const auto end = piece.rfind('\n'); end != piece.npos) piece = piece.substr(0, end + 1);
        const ssize_t written =
            kind_ == Kind::Socket ? ::send(fd_.get(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : ::write(fd_.get(), piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (written <= 0) {
            cause_ = written == 0 ? EIO : errno;
            is_broken_ = true;
            break;
        }
        done += static_cast<std::size_t>(written);
    }
    return done;
}

void LogSink::write_pending() {
    if (!is_open()) return drop_pending();
    pending_.erase(0, put(pending_));
    if (is_broken_ || kind_ == Kind::File) drop_pending();
    if (pending_.empty()) pending_.shrink_to_fit();
}

void LogSink::drop_pending() {
    if (pending_.empty()) return;
    written_.fetch_sub(count_lines(pending_), std::memory_order_relaxed);
    lose(pending_);
    pending_.clear();
}

void LogSink::report(Millis now, bool is_last) {
    const std::uint64_t dropped_now = dropped();
    if (dropped_now == reported_ || (now < next_report_ && !is_last)) return;
    log::error("access log lines lost: {} target={} lines={} total={} while writing the access log",
               cause_ == 0 ? "buffers full" : std::strerror(cause_), name_, dropped_now - reported_,
               dropped_now);
    reported_ = dropped_now;
    next_report_ = now + kReportEvery;
}

}  // namespace gantry::server
