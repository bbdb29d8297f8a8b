// What is counted of the requests that go to a peer of an upstream.
#pragma once

#include "core/base/metrics.hpp"
#include "core/base/time_buckets.hpp"
#include "core/http/answer_cells.hpp"

#include <cstdint>

namespace gantry::upstream {

// Where each number is in a series.
struct PeerCells {
    static constexpr std::uint32_t kAnswers = 0;
    static constexpr std::uint32_t kConnections = http::kAnswerCells;
    static constexpr std::uint32_t kReused = kConnections + 1;
    static constexpr std::uint32_t kConnectFailures = kReused + 1;
    static constexpr std::uint32_t kRetries = kConnectFailures + 1;
    static constexpr std::uint32_t kReceived = kRetries + 1;
    static constexpr std::uint32_t kConnect = kReceived + 1;
    static constexpr std::uint32_t kFirstByte = kConnect + metrics::kTimeCells;
    static constexpr std::uint32_t kResponse = kFirstByte + metrics::kTimeCells;
};

// Series by "upstream" and "peer". [any]
metrics::GroupId peer_metrics();

// On whatever thread this is; times less than 0 are none.
inline void count(std::uint32_t cell, std::uint64_t amount = 1) {
    if (metrics::Cells* const cells = metrics::Registry::here()) return cells->add(cell, amount);
    metrics::Registry::process().add(cell, amount);
}
inline void count_time(std::uint32_t first, std::int64_t nanos) {
    if (nanos < 0) return;
    const auto time = static_cast<std::uint64_t>(nanos);
    count(first + static_cast<std::uint32_t>(metrics::time_bucket(time)));
    count(first + metrics::kTimeCells - 1, time);
}

}  // namespace gantry::upstream
