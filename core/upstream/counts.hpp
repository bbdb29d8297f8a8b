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
void count(std::uint32_t cell, std::uint64_t amount = 1);
void count_time(std::uint32_t first, std::int64_t nanos);

}  // namespace gantry::upstream
