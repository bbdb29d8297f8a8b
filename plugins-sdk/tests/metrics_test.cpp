// What a module counts: by the C++ face, in a fake host.
#include "entry.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

using gantry::Exchange;
using gantry::Verdict;

struct Shared {
    gantry::Counters requests;
    gantry::Gauges open;
    gantry::Histograms times;

    static std::unique_ptr<Shared> prepare(gantry::Scope& scope, Shared*) {
        static constexpr std::uint64_t kBounds[] = {1'000'000, 1'000'000'000};
        const gantry::Host& host = scope.host();
        auto self = std::make_unique<Shared>();
        self->requests = gantry::Counters::declare(
            host,
            {.name = "requests", .help = "Requests seen.", .labels = {"place", "kind"}, .most_series = 3});
        self->open = gantry::Gauges::declare(host, {.name = "open", .help = "How many are open."});
        self->times = gantry::Histograms::declare(host, {.name = "time",
                                                         .help = "How long it took.",
                                                         .unit = "seconds",
                                                         .per_unit = 1'000'000'000,
                                                         .bounds = kBounds});
        return self;
    }
};

struct Counting {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("on").in(gantry::kAnywhere).example("true").doc("Does it.")};

    Counting(const Shared& shared, std::string_view place)
        : requests(shared.requests.series({place, "all"})),
          open(shared.open.series()),
          times(shared.times.series()) {}
    static std::unique_ptr<Counting> create(gantry::Scope& scope, Shared& shared) {
        return std::make_unique<Counting>(shared, scope.name());
    }
    Verdict handle(Exchange& exchange) {
        requests.add();
        requests.add(2);
        open.add(-4);
        times.observe(std::chrono::milliseconds{5});
        times.observe(std::chrono::nanoseconds{-5});
        std::thread{[this] { open.set(9); }}.join();
        exchange.response().body("fine");
        return Verdict::Done;
    }

    gantry::Counter requests;
    gantry::Gauge open;
    gantry::Histogram times;
};

void load(gantry::fake::Host& host) {
    GANTRY_CHECK((host.load(test::entry<gantry::State<Shared>, gantry::Handler<Counting>>())));
    host.location("/", {{"on", true}});
    GANTRY_CHECK(host.reload());
}

void test_numbers_outlive_a_reload() {
    gantry::fake::Host host;
    load(host);
    GANTRY_CHECK_EQUAL(host.metric("requests", {"/", "all"}).value_or(-1), 0);
    host.request("GET", "/");
    GANTRY_CHECK_EQUAL(host.metric("requests", {"/", "all"}).value_or(-1), 3);
    GANTRY_CHECK_EQUAL(host.metric("open").value_or(-1), 9);
    GANTRY_CHECK_EQUAL(host.metric("time").value_or(-1), 2);
    GANTRY_CHECK(host.reload());
    host.request("GET", "/");
    GANTRY_CHECK_EQUAL(host.metric("requests", {"/", "all"}).value_or(-1), 6);
    GANTRY_CHECK(!host.metric("requests", {"/none", "all"}));
}

void test_series_beyond_the_cap_are_one() {
    gantry::fake::Host host;
    GANTRY_CHECK((host.load(test::entry<gantry::State<Shared>, gantry::Handler<Counting>>())));
    for (const char* place : {"/a", "/b", "/c", "/d", "/e"}) host.location(place, {{"on", true}});
    GANTRY_CHECK(host.reload());
    host.request("GET", "/c");
    host.request("GET", "/d");
    host.request("GET", "/e");
    GANTRY_CHECK_EQUAL(host.metric("requests", {"/c", "all"}).value_or(-1), 3);
    GANTRY_CHECK_EQUAL(host.metric("requests", {"other", "other"}).value_or(-1), 6);
}

// Broken in the ways that only a run shows.
struct Careless : test::WithKey<Careless> {
    Verdict handle(Exchange& exchange) {
        const gantry_host_t* raw = exchange.host().raw();
        const gantry_metrics_1_t* metrics = exchange.host().metrics();
        std::uint32_t number = 0;
        gantry_metric_t metric{};
        metric.size = sizeof metric;
        metric.type = GANTRY_COUNTER;
        metric.name = "late";
        metric.help = "Too late.";
        GANTRY_CHECK_EQUAL(metrics->declare(raw, &metric, &number), GANTRY_ERROR_STATE);
        GANTRY_CHECK_EQUAL(metrics->release(raw, 77), GANTRY_ERROR_STALE);
        metrics->add(raw, 77, 1);
        metrics->add(raw, 0, 1);
        return Verdict::Next;
    }
};

void test_broken_contracts_are_found() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Careless>>(host);
    host.expect_violations();
    host.request("GET", "/");
    GANTRY_CHECK_EQUAL(host.violations().size(), 3u);
}

struct Reader : test::WithKey<Reader> {
    static void on_metric(void* state, const gantry_metric_view_t* metric) noexcept {
        *static_cast<std::string*>(state) += std::string{gantry::view(metric->name)} + ":";
    }
    static void on_sample(void* state, const gantry_sample_t* sample) noexcept {
        auto& text = *static_cast<std::string*>(state);
        for (std::uint32_t index = 0; index < sample->label_count; ++index) {
            text.append(" ").append(gantry::view(sample->labels[index]));
            text.append("=").append(gantry::view(sample->values[index]));
        }
        text += " " + std::to_string(sample->value) + "\n";
    }
    Verdict handle(Exchange& exchange) {
        const gantry_metrics_1_t* metrics = exchange.host().metrics();
        const gantry_metric_visitor_t visitor{sizeof(gantry_metric_visitor_t), 0, &on_metric, &on_sample};
        std::string text;
        gantry_walk_t* walk = metrics->begin_walk(exchange.host().raw());
        while (metrics->walk(walk, 1, &visitor, &text)) {
        }
        metrics->end_walk(walk);
        exchange.response().body(text);
        return Verdict::Done;
    }
};

void test_a_module_reads_what_is_counted() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Reader>>(host);
    host.count("gantry_requests", {"host"}, {"a"}, 5);
    host.count("gantry_reloads", {}, {}, 1);
    host.count("gantry_requests", {"host"}, {"b"}, 6);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(),
                       "gantry_requests: host=a 5\n host=b 6\ngantry_reloads: 1\n");
}

}  // namespace

int main() {
    test_numbers_outlive_a_reload();
    test_series_beyond_the_cap_are_one();
    test_broken_contracts_are_found();
    test_a_module_reads_what_is_counted();
    return gantry::fake::result();
}
