// Access logs without waiting: workers collect lines in buffers of their own, one thread writes them.
#pragma once

#include "core/base/clock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::server {

class LogChannel;     // one worker's two queues, log_writer.cpp
class LogThreadImpl;  // log_thread.cpp

// A place where lines go: a file, a FIFO, stdout, stderr or a syslog. Made by LogThread::open; a generation
// keeps one as long as its lines may be written. The object itself lives as long as its LogThread.
class LogTarget {
public:
    const std::string& name() const { return name_; }  // "stdout" or the path
    // Lines that could not be written since the start. [any]
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
    std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }

    LogTarget(const LogTarget&) = delete;
    LogTarget& operator=(const LogTarget&) = delete;

protected:
    explicit LogTarget(std::string name) : name_(std::move(name)) {}
    ~LogTarget() = default;

    friend class LogBuffer;
    std::string name_;
    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<std::uint64_t> written_{0};
};

// A worker's end: one buffer of 128 KiB for all targets, handed over when the longest line might not fit any
// more or it is a second old: what a hand-over costs (a wake-up, a write) is shared by hundreds of lines.
// When the log thread cannot keep up (a stalled disk), lines are dropped and counted; nothing here ever waits
// or takes a lock. [worker]
class LogBuffer {
public:
    static constexpr std::size_t kBytes = 128 * 1024;
    static constexpr std::size_t kMaxLine = 16 * 1024;
    static constexpr std::size_t kHandOver = kBytes - kMaxLine;
    static constexpr Millis kMaxAge = 1000;

    explicit LogBuffer(std::shared_ptr<LogChannel> channel);
    LogBuffer(const LogBuffer&) = delete;
    LogBuffer& operator=(const LogBuffer&) = delete;
    ~LogBuffer();  // hands over what is left

    // Room for one line of at most kMaxLine bytes, or null when lines have to be dropped just now. Then
    // commit what was written there, with its "\n".
    char* reserve(LogTarget& target);
    void commit(LogTarget& target, std::size_t bytes, Millis now);
    // Both in one; `line` ends in "\n". Longer lines than kMaxLine are dropped.
    void append(LogTarget& target, std::string_view line, Millis now);

    // Call about once a second, or more often: hands over lines older than kMaxAge.
    void tick(Millis now);
    void hand_over();

private:
    std::shared_ptr<LogChannel> channel_;
    struct LogChunk* chunk_ = nullptr;
    Millis oldest_ = 0;
};

// The writing end: owns the files and a thread. One per process; must outlive its buffers' last use by
// workers that still append (buffers may be destroyed later).
class LogThread {
public:
    LogThread();
    ~LogThread();  // stop()
    LogThread(const LogThread&) = delete;
    LogThread& operator=(const LogThread&) = delete;

    // "stdout", "stderr", "syslog:/socket", "udp://host:port" or a path: a file is created (0640) and
    // appended to. The same name gives the same target. When nobody holds a path's target any more its file
    // is closed. The error is a sentence. [any]
    tl::expected<std::shared_ptr<LogTarget>, std::string> open(std::string_view target);

    // For one worker. [any]
    std::unique_ptr<LogBuffer> make_buffer();

    // Opens every file anew, after rotation; returns at once. One that cannot be opened stays as it was and
    // is named in the error log. [any]
    void reopen();

    // Waits until everything handed over before the call was written or dropped, at most `timeout`. For tests
    // and for the end of the process. False: it took longer. [any]
    bool flush(Millis timeout);

    // Writes what was handed over and ends the thread; a target that takes nothing for a second loses its
    // lines. Idempotent. [main]
    void stop();

    std::uint64_t dropped() const;  // over all targets

    struct TargetStatus {
        std::string name;
        std::uint64_t written = 0;
        std::uint64_t lost = 0;
    };
    // Those in use, and those that lost lines. [any]
    std::vector<TargetStatus> status() const;

private:
    std::shared_ptr<LogThreadImpl> impl_;
};

}  // namespace gantry::server
