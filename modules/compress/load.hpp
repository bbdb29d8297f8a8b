// How busy this thread is, and what level of compression that leaves. Knows no server.
#pragma once

#include <chrono>
#include <cstdint>

namespace compression {

// Time that a thread has spent so far: at work, and ready for it while others had the processor.
struct Spent {
    std::chrono::nanoseconds wall{0};
    std::chrono::nanoseconds busy{0};
};
// Of this thread, now.
Spent spent_so_far();

// The share of a processor that a thread wants, over windows of half a second. On one thread.
class LoadMeter {
public:
    static LoadMeter& of_thread();

    // Percent. Asks for the time only where a window may be over.
    int percent();
    // For tests: the same with a clock of one's own.
    int percent(const Spent& now);

private:
    Spent begin_;
    int last_ = 0;
    bool has_begun_ = false;
};

// What becomes of `level` where `load` percent are spent: all of it up to `from`, then less and less down to
// `least` at `full`.
int level_under(int load, int level, int least, int from, int full);

}  // namespace compression
