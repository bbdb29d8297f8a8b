#include "core/module/cost_metrics.hpp"

#include "core/base/time_buckets.hpp"

#include <algorithm>
#include <utility>

namespace gantry::module {
namespace {

using metrics::counter_family;
using metrics::in_nanoseconds;
using metrics::Registry;

// Cells in the order of the families.
enum CostCell : std::uint32_t { kCalls, kTime, kSlow, kFailures };

metrics::GroupId cost_metrics() {
    static const metrics::GroupId id = [] {
        auto time =
            counter_family("gantry_module_calls",
                           "Time that workers spent in a module, estimated from every 64th call.", "seconds");
        time.per_unit = 1'000'000'000;
        metrics::Group group;
        group.labels = {"module"};
        group.families = {
            counter_family("gantry_module_calls", "Calls of a module by workers: hooks, filters, timers."),
            in_nanoseconds(counter_family(
                "gantry_module_calls", "Time that workers spent in a module, estimated from every 64th call.",
                "seconds")),
            counter_family("gantry_module_slow_calls",
                           "Calls of a module that held their worker up for longer than the limit."),
            counter_family("gantry_module_failures", "Hooks of a module that failed, passed over or not."),
        };
        return Registry::process().declare(std::move(group)).value();
    }();
    return id;
}

}  // namespace

CostMetrics::CostMetrics(std::string_view module, const Costs& costs)
    : costs_(costs),
      series_(Registry::process().series(cost_metrics(), {module})),
      collector_(Registry::process().add_collector([this] { collect(); })) {}

CostMetrics::~CostMetrics() {
    Registry::process().remove_collector(collector_);
}

void CostMetrics::collect() {
    const Cost cost = costs_.sum();
    // An estimate may sink with what is learnt, and a counter must not.
    nanos_ = std::max(nanos_, cost.nanos);
    Registry& registry = Registry::process();
    registry.set(series_.cell() + kCalls, static_cast<std::int64_t>(cost.calls));
    registry.set(series_.cell() + kTime, static_cast<std::int64_t>(nanos_));
    registry.set(series_.cell() + kSlow, static_cast<std::int64_t>(cost.slow));
    registry.set(series_.cell() + kFailures, static_cast<std::int64_t>(cost.failures));
}

}  // namespace gantry::module
