// What is counted of every request, for its location and for its listener.
#pragma once

#include "core/base/metrics.hpp"
#include "core/base/time_buckets.hpp"
#include "core/http/answer_cells.hpp"
#include "core/http/handshake_cells.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace gantry::server {

// Of one host, or of several together.
struct Traffic {
    // By the first digit of the status; 0: closed without an answer.
    std::array<std::uint64_t, http::kStatusClasses> answers{};
    std::uint64_t bytes_sent = 0;

    std::uint64_t requests() const;
    Traffic& operator+=(const Traffic& other);
};

// Where each number is in a series; what locations and listeners have of their own stands behind.
struct TrafficCells {
    static constexpr std::uint32_t kAnswers = 0;
    static constexpr std::uint32_t kReceived = http::kAnswerCells;
    static constexpr std::uint32_t kSent = kReceived + 1;
    static constexpr std::uint32_t kDuration = kSent + 1;
    static constexpr std::uint32_t kCommon = kDuration + metrics::kTimeCells;
    // of a location
    static constexpr std::uint32_t kFirstByte = kCommon;
    // of a listener
    static constexpr std::uint32_t kStarted = kCommon;
    static constexpr std::uint32_t kAccepted = kStarted + 1;
    static constexpr std::uint32_t kPaused = kAccepted + 1;
    static constexpr std::uint32_t kHandshakes = kPaused + 1;
    static constexpr std::uint32_t kConnections = kHandshakes + http::HandshakeCells::kCells;  // active, idle
};

// What a request was, once it is over.
class Passed {
public:
    struct Facts {
        std::uint32_t answer = 0;  // http::answer_cell()
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
        std::uint64_t duration_nanos = 0;
        std::int64_t first_byte_nanos = -1;  // to the head of the response; -1: there was none
    };
    explicit Passed(const Facts& facts)
        : facts_(facts), duration_bucket_(metrics::time_bucket(facts.duration_nanos)) {}

    // `first`: of a series, in the cells of this worker. [worker]
    void count_for_location(metrics::Cell* first) const {
        count(first);
        if (facts_.first_byte_nanos < 0) return;
        metrics::count_time(first + TrafficCells::kFirstByte,
                            static_cast<std::uint64_t>(facts_.first_byte_nanos));
    }
    void count_for_listener(metrics::Cell* first) const { count(first); }

private:
    void count(metrics::Cell* first) const {
        using metrics::Cells;
        Cells::add_to(first[TrafficCells::kAnswers + facts_.answer], 1);
        Cells::add_to(first[TrafficCells::kReceived], facts_.received);
        Cells::add_to(first[TrafficCells::kSent], facts_.sent);
        Cells::add_to(first[TrafficCells::kDuration + duration_bucket_], 1);
        Cells::add_to(first[TrafficCells::kDuration + metrics::kTimeCells - 1], facts_.duration_nanos);
    }

    Facts facts_;
    std::size_t duration_bucket_;
};

// Series by "host" and "location"; "" and "" are requests that no host answers, and "" is what a host answers
// outside of its locations. [any]
metrics::GroupId location_metrics();
// Series by "listener".
metrics::GroupId listener_metrics();

struct HostTraffic {
    std::string host;  // "": exchanges that no host answered
    Traffic traffic;
};
// Of every host that was asked for anything, also those that were configured until a while ago. [any]
std::vector<HostTraffic> traffic_of_hosts();
// Of all since the process began. [any]
Traffic traffic_of_listeners();

}  // namespace gantry::server
