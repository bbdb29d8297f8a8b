// Things that modules want done again and again on the control thread.
#pragma once

#include "core/base/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>

namespace gantry::module {

// [main]
class MainTimers {
public:
    // From now on every `interval`; the number is for cancel().
    std::uint64_t every(Millis interval, std::function<void()> task);
    // False: there is none of that number.
    bool cancel(std::uint64_t id);

    // How long there is nothing to do, in milliseconds; -1: for ever.
    int next_check() const;
    // Does what is due.
    void check();

private:
    struct Timer {
        Millis interval;
        Millis due;
        std::function<void()> task;
    };
    std::map<std::uint64_t, Timer> timers_;
    std::uint64_t next_ = 1;
};

}  // namespace gantry::module
