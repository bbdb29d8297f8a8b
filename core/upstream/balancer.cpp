#include "core/upstream/balancer.hpp"

namespace gantry::upstream {

RoundRobin::RoundRobin(std::vector<std::uint32_t> weights) {
    entries_.reserve(weights.size());
    for (const std::uint32_t weight : weights) entries_.push_back({weight});
}

}  // namespace gantry::upstream
