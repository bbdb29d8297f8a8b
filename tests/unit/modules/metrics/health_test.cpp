#include "modules/metrics/health.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

TEST_CASE("health: quantiles lie on lines between the bounds", "[modules][metrics]") {
    using metrics::quantile_of;
    const std::vector<std::uint64_t> bounds{1'000'000'000, 2'000'000'000};
    CHECK(!quantile_of(0.5, {0, 0, 0}, bounds));
    CHECK(!quantile_of(0.5, {}, bounds));
    CHECK(quantile_of(0.5, {2, 0, 0}, bounds) == 0.5);
    CHECK(quantile_of(0.5, {0, 4, 0}, bounds) == 1.5);
    CHECK(quantile_of(0.99, {0, 0, 3}, bounds) == 2.0);
    CHECK(quantile_of(1.0, {1, 1, 0}, bounds) == 2.0);
}

TEST_CASE("health: what happened of late, by host", "[modules][metrics]") {
    metrics::Reading before;
    metrics::Reading now;
    now.start = 1'000'000'000;
    now.taken = 20'000'000'000;
    before.taken = 10'000'000'000;
    now.bounds = before.bounds = {1'000'000'000, 2'000'000'000};
    before.hosts["a"] = {10, 1, {10, 0, 0}};
    now.hosts["a"] = {30, 6, {10, 20, 0}};
    now.hosts["\"\n\x01"] = {0, 0, {0, 0, 0}};
    const std::string text = metrics::health_json(now, &before, 101'000'000'000);
    INFO(text);
    const auto has = [&](std::string_view part) { return text.find(part) != text.npos; };
    CHECK(has("\"status\":\"ok\""));
    CHECK(has("\"uptime_seconds\":100,"));
    CHECK(has("\"window_seconds\":10,"));
    CHECK(has(
        "{\"host\":\"a\",\"requests\":30,\"errors\":6,\"requests_per_second\":2,\"errors_per_second\":0.5,"
        "\"error_share\":0.25,\"p50_seconds\":1.5,\"p95_seconds\":1.95,\"p99_seconds\":1.99}"));
    CHECK(has("{\"host\":\"\\\"\\n\\u0001\",\"requests\":0,"));
    CHECK(has("\"p50_seconds\":null"));
    // Forgotten, and back: what it is now is what came since.
    CHECK((metrics::HostCounts{3, 1, {3}}.since({10, 9, {10}})).requests == 3u);
    now.disabled_hosts = 1;
    CHECK(metrics::health_json(now, nullptr, 0).find("\"degraded\"") != std::string::npos);
}
