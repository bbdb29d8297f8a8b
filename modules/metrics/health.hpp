// The answer to "how is it?": what is counted, summed up for each host, as JSON. Does no I/O.
#pragma once

#include "sample.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metrics {

// Of one host, or of all.
struct HostCounts {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;              // answered with 5xx
    std::vector<std::uint64_t> durations;  // by bucket

    HostCounts& operator+=(const HostCounts& other);
    // What came since `before`.
    HostCounts since(const HostCounts& before) const;
};

// All that a walk shows of it, at one time.
class Reading {
public:
    void add_metric(const Metric& metric);
    void add_sample(const Sample& sample);

    std::int64_t taken = 0;  // nanoseconds of a clock that does not jump
    std::map<std::string, HostCounts, std::less<>> hosts;
    std::vector<std::uint64_t> bounds;  // of the durations, in nanoseconds
    std::int64_t resident_bytes = 0;
    std::int64_t start = 0;  // of the process: nanoseconds since 1970
    std::int64_t connections = 0;
    std::int64_t generation = 0;
    std::int64_t disabled_hosts = 0;
    bool is_last_reload_applied = true;
    std::string version;

private:
    enum class What {
        Nothing,
        Requests,
        Durations,
        Resident,
        Start,
        Connections,
        Generation,
        Hosts,
        Reload,
        Build
    };
    What what_ = What::Nothing;
};

// The time that the share `quantile` of them did not exceed, by lines between the bounds, in seconds;
// nothing: there were none. What is in the last bucket has its lower bound.
std::optional<double> quantile_of(double quantile, const std::vector<std::uint64_t>& buckets,
                                  const std::vector<std::uint64_t>& bounds);

// `before`: an earlier reading, for what happened of late; null: since the process began. `wall`: nanoseconds
// since 1970.
std::string health_json(const Reading& now, const Reading* before, std::int64_t wall);

void append_json_string(std::string& to, std::string_view text);

}  // namespace metrics
