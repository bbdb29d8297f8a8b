#include "core/module/main_timers.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace gantry::module {

std::uint64_t MainTimers::every(Millis interval, std::function<void()> task) {
    timers_[next_] = {interval, monotonic_millis() + interval, std::move(task)};
    return next_++;
}

bool MainTimers::cancel(std::uint64_t id) {
    return timers_.erase(id) > 0;
}

int MainTimers::next_check() const {
    if (timers_.empty()) return -1;
    Millis first = std::numeric_limits<Millis>::max();
    for (const auto& [id, timer] : timers_) first = std::min(first, timer.due);
    const Millis left = std::max<Millis>(first - monotonic_millis(), 0);
    return static_cast<int>(std::min<Millis>(left, std::numeric_limits<int>::max()));
}

void MainTimers::check() {
    const Millis now = monotonic_millis();
    std::vector<std::uint64_t> due;
    for (const auto& [id, timer] : timers_) {
        if (timer.due <= now) due.push_back(id);
    }
    for (const std::uint64_t id : due) {
        const auto found = timers_.find(id);
        if (found == timers_.end()) continue;                   // cancelled by one of the others
        found->second.due = now + found->second.interval;       // a late one is not made up for
        const std::function<void()> task = found->second.task;  // which may cancel itself
        task();
    }
}

}  // namespace gantry::module
