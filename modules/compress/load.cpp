#include "load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace compression {
namespace {

constexpr std::chrono::milliseconds kWindow{500};

std::chrono::nanoseconds read_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

// "RUN WAIT SLICES": nanoseconds on a processor and in a queue for one. Kept open: one read for each window.
class Schedule {
public:
    Schedule() : fd_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
    ~Schedule() {
        if (fd_ >= 0) ::close(fd_);
    }
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;

    // False: this kernel does not say.
    bool read(std::chrono::nanoseconds& busy) const {
        char text[96];
        const ssize_t size = fd_ < 0 ? -1 : ::pread(fd_, text, sizeof(text) - 1, 0);
        if (size <= 0) return false;
        text[size] = '\0';
        char* rest = nullptr;
        const unsigned long long run = std::strtoull(text, &rest, 10);
        const unsigned long long wait = std::strtoull(rest, nullptr, 10);
        busy = std::chrono::nanoseconds{static_cast<std::int64_t>(run + wait)};
        return run > 0;
    }

private:
    int fd_;
};

}  // namespace

Spent spent_so_far() {
    static thread_local const Schedule schedule;
    Spent spent;
    spent.wall = read_clock(CLOCK_MONOTONIC);
    if (!schedule.read(spent.busy)) spent.busy = read_clock(CLOCK_THREAD_CPUTIME_ID);
    return spent;
}

LoadMeter& LoadMeter::of_thread() {
    static thread_local LoadMeter meter;
    return meter;
}

int LoadMeter::percent() {
    if (has_begun_ && read_clock(CLOCK_MONOTONIC_COARSE) - begin_.wall < kWindow) return last_;
    return percent(spent_so_far());
}

int LoadMeter::percent(const Spent& now) {
    const auto wall = now.wall - begin_.wall;
    if (has_begun_ && wall < kWindow) return last_;
    if (has_begun_)
        last_ = static_cast<int>(std::clamp<std::int64_t>((now.busy - begin_.busy) * 100 / wall, 0, 100));
    begin_ = now;
    has_begun_ = true;
    return last_;
}

int level_under(int load, int level, int least, int from, int full) {
    if (load <= from || level <= least) return level;
    if (load >= full) return least;
    return level - (level - least) * (load - from) / (full - from);
}

}  // namespace compression
