#include "core/base/metrics.hpp"
#include "core/module/extensions.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <thread>

using namespace gantry;

namespace {

// A module as the host knows it; each test has its own, as metrics are for the whole process.
struct Asker {
    explicit Asker(std::string name) {
        module.name = std::move(name);
        module.host.data = &module;
    }
    module::Module module;
    const gantry_host_t* host = &module.host;
    const gantry_metrics_1_t& metrics = module::kMetrics;

    gantry_result_t declare(gantry_metric_t metric, std::uint32_t& number) {
        metric.size = sizeof metric;
        return metrics.declare(host, &metric, &number);
    }
    gantry_series_t series(std::uint32_t number, std::initializer_list<std::string_view> values = {}) {
        std::vector<gantry_bytes_t> raw;
        for (const std::string_view value : values) raw.push_back(module::bytes_of(value));
        gantry_series_t series = 0;
        metrics.series(host, number, raw.data(), static_cast<std::uint32_t>(raw.size()), &series);
        return series;
    }
    // Of one metric, "label=value value" a line; of a histogram "1,0 sum 5".
    std::string shown(std::string_view name, std::uint32_t step = 3) {
        struct State {
            std::string_view wanted;
            bool is_wanted = false;
            std::uint32_t bounds = 0;
            std::string text;
        } state{name, false, 0, {}};
        gantry_metric_visitor_t visitor{};
        visitor.size = sizeof visitor;
        visitor.on_metric = [](void* raw, const gantry_metric_view_t* metric) noexcept {
            auto& to = *static_cast<State*>(raw);
            to.is_wanted = module::view_of(metric->name) == to.wanted;
            to.bounds = metric->bound_count;
        };
        visitor.on_sample = [](void* raw, const gantry_sample_t* sample) noexcept {
            auto& to = *static_cast<State*>(raw);
            if (!to.is_wanted) return;
            for (std::uint32_t i = 0; i < sample->label_count; ++i) {
                to.text.append(module::view_of(sample->labels[i])).append("=");
                to.text.append(module::view_of(sample->values[i])).append(" ");
            }
            for (std::uint32_t i = 0; sample->buckets != nullptr && i <= to.bounds; ++i) {
                to.text += std::to_string(sample->buckets[i]) + (i == to.bounds ? " sum " : ",");
            }
            to.text += std::to_string(sample->buckets != nullptr ? static_cast<std::int64_t>(sample->sum)
                                                                 : sample->value) +
                       "\n";
        };
        gantry_walk_t* const walk = metrics.begin_walk(host);
        while (metrics.walk(walk, step, &visitor, &state)) {
        }
        metrics.end_walk(walk);
        return state.text;
    }
};

gantry_metric_t counter(const char* name) {
    gantry_metric_t metric{};
    metric.type = GANTRY_COUNTER;
    metric.name = name;
    metric.help = "For a test.";
    return metric;
}

}  // namespace

TEST_CASE("host_metrics: a module's metrics have its name, and count on any thread", "[module][metrics]") {
    Asker asker("proxy-probe");
    static const char* const kLabels[] = {"zone", nullptr};
    gantry_metric_t metric = counter("refusals");
    metric.labels = kLabels;
    std::uint32_t number = 0;
    REQUIRE(asker.declare(metric, number) == GANTRY_OK);
    std::uint32_t again = 0;
    REQUIRE(asker.declare(metric, again) == GANTRY_OK);
    CHECK(again == number);
    const gantry_series_t series = asker.series(number, {"login"});
    REQUIRE(series != 0);
    asker.metrics.add(asker.host, series, 2);
    std::thread([&] {
        const auto cells = metrics::Registry::process().lease();
        metrics::Registry::use_here(cells.get());
        asker.metrics.add(asker.host, series, 40);
        metrics::Registry::use_here(nullptr);
    }).join();
    asker.metrics.add(asker.host, series, -1);
    asker.metrics.set(asker.host, series, 7);
    asker.metrics.observe(asker.host, series, 7);
    asker.metrics.add(asker.host, 0, 7);
    CHECK(asker.shown("gantry_proxy_probe_refusals") == "zone=login 42\n");
    CHECK(asker.metrics.release(asker.host, series) == GANTRY_OK);
    CHECK(asker.metrics.release(asker.host, series) == GANTRY_ERROR_STALE);
    CHECK(asker.metrics.release(asker.host, 0) == GANTRY_ERROR_STALE);
    CHECK(asker.shown("gantry_proxy_probe_refusals") == "zone=login 42\n");
}

TEST_CASE("host_metrics: gauges and histograms", "[module][metrics]") {
    Asker asker("levels");
    gantry_metric_t metric = counter("open");
    metric.type = GANTRY_GAUGE;
    std::uint32_t gauge = 0;
    REQUIRE(asker.declare(metric, gauge) == GANTRY_OK);
    const gantry_series_t open = asker.series(gauge);
    asker.metrics.add(asker.host, open, -3);
    CHECK(asker.shown("gantry_levels_open") == "-3\n");
    asker.metrics.set(asker.host, open, 9);
    CHECK(asker.shown("gantry_levels_open") == "9\n");

    metric = counter("time");
    metric.type = GANTRY_HISTOGRAM;
    metric.unit = "seconds";
    metric.per_unit = 1000;
    metric.least = 10;
    metric.most = 20;
    metric.steps = 2;
    std::uint32_t histogram = 0;
    REQUIRE(asker.declare(metric, histogram) == GANTRY_OK);
    const gantry_series_t times = asker.series(histogram);
    for (const std::uint64_t value : {1u, 10u, 12u, 15u, 16u, 21u})
        asker.metrics.observe(asker.host, times, value);
    asker.metrics.add(asker.host, times, 1000);
    CHECK(asker.shown("gantry_levels_time_seconds") == "2,2,1,1 sum 75\n");
    const std::uint64_t bounds[] = {1, 2};
    metric.name = "other";
    metric.bounds = bounds;
    metric.bound_count = 2;
    REQUIRE(asker.declare(metric, histogram) == GANTRY_OK);
    asker.metrics.observe(asker.host, asker.series(histogram), 2);
    CHECK(asker.shown("gantry_levels_other_seconds") == "0,1,0 sum 2\n");
}

TEST_CASE("host_metrics: the cap of a metric", "[module][metrics]") {
    Asker asker("capped");
    static const char* const kLabels[] = {"who", nullptr};
    gantry_metric_t metric = counter("seen");
    metric.labels = kLabels;
    metric.most_series = 2;
    std::uint32_t number = 0;
    REQUIRE(asker.declare(metric, number) == GANTRY_OK);
    for (const char* who : {"a", "b", "c", "d"})
        asker.metrics.add(asker.host, asker.series(number, {who}), 1);
    CHECK(asker.shown("gantry_capped_seen") == "who=a 1\nwho=b 1\nwho=other 2\n");
    CHECK(asker.shown("gantry_metric_overflows").find("metric=gantry_capped_seen 2\n") != std::string::npos);
}

TEST_CASE("host_metrics: what is not sound is refused", "[module][metrics]") {
    Asker asker("unsound");
    std::uint32_t number = 0;
    const auto is_refused = [&](const gantry_metric_t& metric) {
        return asker.declare(metric, number) == GANTRY_ERROR_ARGUMENT;
    };
    CHECK(is_refused(counter(nullptr)));
    CHECK(is_refused(counter("")));
    CHECK(is_refused(counter("with-dash")));
    CHECK(is_refused(counter("requests_total")));
    CHECK(is_refused(counter(std::string(65, 'a').c_str())));
    gantry_metric_t metric = counter("sound");
    metric.help = nullptr;
    CHECK(is_refused(metric));
    metric = counter("sound");
    metric.type = 9;
    CHECK(is_refused(metric));
    metric.type = GANTRY_HISTOGRAM;
    CHECK(is_refused(metric));
    metric = counter("sound");
    metric.per_unit = 12;
    CHECK(is_refused(metric));
    static const char* const kMany[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", nullptr};
    metric = counter("sound");
    metric.labels = kMany;
    CHECK(is_refused(metric));
    CHECK(asker.metrics.declare(asker.host, nullptr, &number) == GANTRY_ERROR_ARGUMENT);
    CHECK(asker.metrics.declare(asker.host, &metric, &number) == GANTRY_ERROR_ARGUMENT);  // it has no size
    REQUIRE(asker.declare(counter("sound"), number) == GANTRY_OK);
    CHECK(asker.series(number, {"a label too many"}) == 0);
    CHECK(asker.series(number + 1) == 0);
    CHECK(asker.series(4'000'000'000u) == 0);
    // What gantry counts itself is not for modules.
    CHECK(asker.series(0, {"x"}) == 0);
    CHECK_FALSE(asker.metrics.walk(nullptr, 1, nullptr, nullptr));
}
