// Chooses among the peers of an upstream: smooth weighted round robin. Does no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gantry::upstream {

// Spreads the choices evenly in time: weights 5, 1, 1 give a a b a c a a. One per worker and upstream.
class RoundRobin {
public:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    explicit RoundRobin(std::vector<std::uint32_t> weights);

    std::size_t size() const { return entries_.size(); }

    // The next one for which may_use(index) holds; kNone: there is none. Weight 0 is never chosen.
    template <class MayUse>
    std::size_t pick(MayUse may_use) {
        if (entries_.size() == 1) return entries_[0].weight > 0 && may_use(std::size_t{0}) ? 0 : kNone;
        std::size_t best = kNone;
        std::int64_t total = 0;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            Entry& entry = entries_[i];
            if (entry.weight == 0 || !may_use(i)) continue;
            entry.current += entry.weight;
            total += entry.weight;
            if (best == kNone || entry.current > entries_[best].current) best = i;
        }
        if (best != kNone) entries_[best].current -= total;
        return best;
    }

private:
    struct Entry {
        std::int64_t weight;
        std::int64_t current = 0;
    };
    std::vector<Entry> entries_;
};

}  // namespace gantry::upstream
