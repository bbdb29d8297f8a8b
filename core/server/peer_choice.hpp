// Who chooses among the peers of an upstream where the balancer is not to: a module.
#pragma once

#include "core/upstream/pool.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace gantry::server {

class Exchange;

// One per upstream of a generation. Immutable.
struct PeerChoice {
    // The index of a candidate that was not tried, or upstream::Picker::kBalancer. [worker]
    std::size_t (*pick)(Exchange& exchange, const void* self,
                        std::span<const upstream::Candidate> candidates) = nullptr;  // null: the balancer
    const void* self = nullptr;
    std::string name;  // for logs and explain
};

}  // namespace gantry::server
