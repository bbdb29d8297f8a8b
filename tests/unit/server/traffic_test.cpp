#include "core/server/traffic.hpp"

#include "tests/support/catch.hpp"

using namespace gantry;
using namespace gantry::server;

namespace {

std::uint64_t read(const metrics::Series& series, std::uint32_t cell) {
    return metrics::Registry::process().read(series.cell() + cell);
}

Traffic of(std::string_view host) {
    for (const HostTraffic& one : traffic_of_hosts()) {
        if (one.host == host) return one.traffic;
    }
    return {};
}

}  // namespace

TEST_CASE("traffic: a request is counted by method, status, bytes and times", "[server][traffic]") {
    auto& registry = metrics::Registry::process();
    const metrics::Series series = registry.series(location_metrics(), {"counted.test", "/"});
    const auto cells = registry.lease();
    const Passed passed({http::answer_cell(http::Method::Post, 404), 100, 2000, 2'600'000, 50'000});
    passed.count_for_location(cells->at(series.cell()));
    const Passed cut({http::answer_cell(http::Method::Get, 0), 1, 0, 20'000'000'000, -1});
    cut.count_for_location(cells->at(series.cell()));
    CHECK(read(series, http::answer_cell(http::Method::Post, 404)) == 1);
    CHECK(read(series, http::answer_cell(http::Method::Get, 0)) == 1);
    CHECK(read(series, TrafficCells::kReceived) == 101);
    CHECK(read(series, TrafficCells::kSent) == 2000);
    CHECK(read(series, TrafficCells::kDuration + 6) == 1);   // up to 5 ms
    CHECK(read(series, TrafficCells::kDuration + 17) == 1);  // more than 10 s
    CHECK(read(series, TrafficCells::kDuration + 18) == 20'002'600'000);
    CHECK(read(series, TrafficCells::kFirstByte) == 1);  // 50 us, the bound itself
    CHECK(read(series, TrafficCells::kFirstByte + 18) == 50'000);

    const metrics::Series listener = registry.series(listener_metrics(), {"counted"});
    passed.count_for_listener(cells->at(listener.cell()));
    CHECK(read(listener, http::answer_cell(http::Method::Post, 404)) == 1);
    CHECK(read(listener, TrafficCells::kDuration + 18) == 2'600'000);
    CHECK(read(listener, TrafficCells::kStarted) == 0);  // what follows is not written to
}

TEST_CASE("traffic: locations add up to their host, over all workers", "[server][traffic]") {
    auto& registry = metrics::Registry::process();
    const metrics::Series one = registry.series(location_metrics(), {"summed.test", "/a"});
    const metrics::Series two = registry.series(location_metrics(), {"summed.test", ""});
    const auto first = registry.lease();
    const auto second = registry.lease();
    const Passed passed({http::answer_cell(http::Method::Get, 200), 10, 30, 1, 1});
    passed.count_for_location(first->at(one.cell()));
    passed.count_for_location(second->at(one.cell()));
    Passed({http::answer_cell(http::Method::Put, 503), 10, 5, 1, 1})
        .count_for_location(second->at(two.cell()));
    const Traffic sum = of("summed.test");
    CHECK(sum.answers == std::array<std::uint64_t, 6>{0, 0, 2, 0, 0, 1});
    CHECK(sum.requests() == 3);
    CHECK(sum.bytes_sent == 65);
    CHECK(of("nobody asked").requests() == 0);
}

TEST_CASE("traffic: the cells are where the families say", "[server][traffic]") {
    auto& registry = metrics::Registry::process();
    for (const metrics::GroupId id : {location_metrics(), listener_metrics()}) {
        const metrics::Group& group = registry.group(id);
        std::uint32_t at = 0;
        for (const metrics::Family& family : group.families) {
            if (family.name.ends_with("sent_bytes")) CHECK(at == TrafficCells::kSent);
            if (family.name.ends_with("first_byte_seconds")) CHECK(at == TrafficCells::kFirstByte);
            if (family.name.ends_with("started")) CHECK(at == TrafficCells::kStarted);
            if (family.name.ends_with("tls_handshakes")) CHECK(at == TrafficCells::kHandshakes);
            if (family.name.ends_with("_connections")) CHECK(at == TrafficCells::kConnections);
            at += static_cast<std::uint32_t>(family.cells());
        }
        CHECK(at == (id == location_metrics() ? TrafficCells::kFirstByte + metrics::kTimeCells
                                              : TrafficCells::kConnections + 2));
    }
}

TEST_CASE("traffic: the bucket of a time", "[server][traffic]") {
    const auto bounds = metrics::Bounds::of({metrics::kTimeBounds.begin(), metrics::kTimeBounds.end() - 1});
    for (std::uint64_t time = 1; time < 40'000'000'000; time = time * 5 / 4 + 1) {
        CHECK(metrics::time_bucket(time) == bounds->bucket_of(time));
    }
    for (const std::uint64_t bound : metrics::kTimeBounds)
        CHECK(metrics::time_bucket(bound) == bounds->bucket_of(bound));
    CHECK(metrics::time_bucket(0) == 0);
}
