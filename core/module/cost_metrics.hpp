// What a module costs, as numbers among those that gantry counts.
#pragma once

#include "core/base/metrics.hpp"
#include "core/module/cost.hpp"

#include <string_view>

namespace gantry::module {

// While it lives, `costs` are shown as those of `module`. They outlive it.
class CostMetrics {
public:
    CostMetrics(std::string_view module, const Costs& costs);
    ~CostMetrics();
    CostMetrics(const CostMetrics&) = delete;
    CostMetrics& operator=(const CostMetrics&) = delete;

private:
    // On the thread of whoever reads.
    void collect();

    const Costs& costs_;
    metrics::Series series_;
    std::uint64_t nanos_ = 0;  // shown last
    std::uint64_t collector_ = 0;
};

}  // namespace gantry::module
