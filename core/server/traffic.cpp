#include "core/server/traffic.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace gantry::server {
namespace {

using metrics::Registry;

constexpr std::size_t kMostLocations = 100'000;
constexpr std::size_t kMostListeners = 1000;
constexpr std::size_t kCounted = TrafficCells::kSent + 1;  // cells that are read for a Traffic

std::vector<metrics::Family> common_families(const std::string& prefix) {
    return {
        http::answer_family(prefix + "requests", "Requests that are over, by method and class of status."),
        metrics::counter_family(prefix + "received", "Heads and bodies of requests.", "bytes"),
        metrics::counter_family(prefix + "sent", "Heads and bodies of responses.", "bytes"),
        metrics::time_family(prefix + "request_duration",
                             "From the head of a request to the end of its response."),
    };
}

metrics::Group location_group() {
    metrics::Group group;
    group.labels = {"host", "location"};
    group.most = kMostLocations;
    group.families = common_families("gantry_");
    group.families.push_back(
        metrics::time_family("gantry_first_byte", "From the head of a request to the head of its response."));
    for (metrics::Family& family : group.families) family.hides_zero = true;
    return group;
}

metrics::Group listener_group() {
    metrics::Group group;
    group.labels = {"listener"};
    group.most = kMostListeners;
    group.families = common_families("gantry_listener_");
    group.families.push_back(
        metrics::counter_family("gantry_listener_requests_started", "Requests that began."));
    group.families.push_back(metrics::counter_family("gantry_listener_accepted", "Connections that began."));
    group.families.push_back(metrics::counter_family(
        "gantry_listener_pauses", "Times that accepting paused, at the limit or for want of descriptors."));
    auto handshakes =
        metrics::counter_family("gantry_listener_tls_handshakes", "TLS handshakes that went well.");
    handshakes.dimensions = {{"version", {"TLSv1.2", "TLSv1.3", "other"}}, {"session", {"new", "resumed"}}};
    handshakes.hides_zero = true;
    group.families.push_back(std::move(handshakes));
    group.families.push_back(metrics::counter_family("gantry_listener_tls_failures",
                                                     "TLS handshakes that failed, or took too long."));
    auto connections = metrics::gauge_family("gantry_listener_connections",
                                             "Open connections, with a request under way or without.");
    connections.dimensions = {{"state", {"active", "idle"}}};
    group.families.push_back(std::move(connections));
    return group;
}

Traffic traffic_of(std::span<const std::uint64_t> cells) {
    Traffic traffic;
    for (std::size_t i = 0; i < http::kAnswerCells; ++i)
        traffic.answers[i % http::kStatusClasses] += cells[i];
    traffic.bytes_sent = cells[TrafficCells::kSent];
    return traffic;
}

}  // namespace

std::uint64_t Traffic::requests() const {
    return std::accumulate(answers.begin(), answers.end(), std::uint64_t{0});
}

Traffic& Traffic::operator+=(const Traffic& other) {
    for (std::size_t i = 0; i < answers.size(); ++i) answers[i] += other.answers[i];
    bytes_sent += other.bytes_sent;
    return *this;
}

metrics::GroupId location_metrics() {
    static const metrics::GroupId id = Registry::process().declare(location_group()).value();
    return id;
}

metrics::GroupId listener_metrics() {
    static const metrics::GroupId id = Registry::process().declare(listener_group()).value();
    return id;
}

std::vector<HostTraffic> traffic_of_hosts() {
    std::map<std::string, Traffic, std::less<>> hosts;
    Registry::process().each(location_metrics(), kCounted, [&](auto values, auto cells) {
        const Traffic traffic = traffic_of(cells);
        if (traffic.requests() > 0) hosts[std::string(values[0])] += traffic;
    });
    std::vector<HostTraffic> out;
    for (auto& [host, traffic] : hosts) out.push_back({host, traffic});
    return out;
}

Traffic traffic_of_listeners() {
    Traffic sum;
    Registry::process().each(listener_metrics(), kCounted,
                             [&](auto, auto cells) { sum += traffic_of(cells); });
    return sum;
}

}  // namespace gantry::server
