#include "core/upstream/counts.hpp"

#include <utility>

namespace gantry::upstream {
namespace {

using metrics::counter_family;
using metrics::Registry;
using metrics::time_family;

constexpr std::size_t kMostPeers = 20'000;

metrics::Group peer_group() {
    metrics::Group group;
    group.labels = {"upstream", "peer"};
    group.most = kMostPeers;
    group.families = {
        http::answer_family(
            "gantry_upstream_requests",
            "Requests that went to a peer, by method and class of its status; none: no answer."),
        counter_family("gantry_upstream_connections_opened", "Connections that were made."),
        counter_family("gantry_upstream_connections_reused", "Requests that found an idle connection."),
        counter_family("gantry_upstream_connect_failures", "Connections that could not be made."),
        counter_family("gantry_upstream_retries", "Requests sent once more, as their connection had died."),
        counter_family("gantry_upstream_received", "Bodies of responses of a peer.", "bytes"),
        time_family("gantry_upstream_connect", "How long new connections took, with TLS."),
        time_family("gantry_upstream_first_byte",
                    "From the head of a request to the head of the peer's response."),
        time_family("gantry_upstream_response",
                    "From the head of a request to the end of the peer's response."),
    };
    return group;
}

}  // namespace

metrics::GroupId peer_metrics() {
    static const metrics::GroupId id = Registry::process().declare(peer_group()).value();
    return id;
}

}  // namespace gantry::upstream
