#include "core/base/metrics.hpp"

#include "core/base/metric_walk.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <fmt/format.h>
#include <map>
#include <thread>

using namespace gantry;
using namespace gantry::metrics;

namespace {

Family counter(std::string name) {
    Family family;
    family.name = std::move(name);
    family.help = "For a test.";
    return family;
}

Group of(Family family, std::vector<std::string> labels = {}, std::size_t most = 100) {
    Group group;
    group.labels = std::move(labels);
    group.most = most;
    group.families.push_back(std::move(family));
    return group;
}

// All that a walk shows, as "name{label=value}" with its value; of histograms "1,2,0 sum 9".
class Seen final : public WalkVisitor {
public:
    explicit Seen(Registry& registry, std::size_t most = 1000) {
        Walk walk(registry);
        while (walk.next(most, *this)) ++calls;
    }
    void on_family(const Family& family) override {
        name_ = family.name;
        families.push_back(name_);
    }
    void on_sample(const Sample& sample) override {
        std::string key = name_ + "{";
        for (std::size_t i = 0; i < sample.labels.size(); ++i) {
            key += fmt::format("{}{}={}", i == 0 ? "" : ",", sample.labels[i], sample.values[i]);
        }
        CHECK(!shown.contains(key + "}"));
        shown[key + "}"] = sample.buckets.empty()
                               ? std::to_string(sample.value)
                               : fmt::format("{} sum {}", fmt::join(sample.buckets, ","), sample.sum);
    }
    std::map<std::string, std::string> shown;
    std::vector<std::string> families;
    int calls = 0;

private:
    std::string name_;
};

}  // namespace

TEST_CASE("metrics: what threads count is added up, also when they are gone", "[base][metrics]") {
    Registry registry;
    const GroupId group = *registry.declare(of(counter("gantry_things")));
    const Series series = registry.series(group, {});
    const auto count = [&](std::uint64_t times) {
        const auto cells = registry.lease();
        Registry::use_here(cells.get());
        for (std::uint64_t i = 0; i < times; ++i) registry.add(series.cell(), 2);
        Registry::use_here(nullptr);
    };
    std::thread one(count, 100'000);
    std::thread two(count, 100'000);
    for (int i = 0; i < 1000; ++i) registry.add(series.cell(), 1);  // of no worker
    while (registry.read(series.cell()) < 100'000) std::this_thread::yield();
    one.join();
    two.join();
    CHECK(registry.read(series.cell()) == 401'000);
    CHECK(Seen(registry).shown["gantry_things{}"] == "401000");
}

TEST_CASE("metrics: the same again is the same, and something else is refused", "[base][metrics]") {
    Registry registry;
    const auto first = registry.declare(of(counter("gantry_things"), {"host"}));
    REQUIRE(first.has_value());
    CHECK(registry.declare(of(counter("gantry_things"), {"host"})) == first);
    CHECK(registry.declare(of(counter("gantry_things"), {"place"})).error() ==
          "there is another metric \"gantry_things\"");
    CHECK_FALSE(registry.declare(of(counter("gantry_things_total"))).has_value());
    CHECK_FALSE(registry.declare(of(counter("Gantry"))).has_value());
    CHECK_FALSE(registry.declare(of(counter("gantry-things"))).has_value());
    CHECK_FALSE(registry.declare(of(counter(""))).has_value());
    CHECK_FALSE(registry.declare(of(counter("a"), {"le"})).has_value());
    CHECK_FALSE(registry.declare(of(counter("a"), {"b", "b"})).has_value());
    CHECK_FALSE(registry.declare(of(counter("a"), {"__b"})).has_value());
    CHECK_FALSE(registry.declare(of(counter("a"), {}, 0)).has_value());
    Family family = counter("gantry_time");
    family.unit = "seconds";
    CHECK_FALSE(registry.declare(of(family)).has_value());
    family.name = "gantry_time_seconds";
    family.per_unit = 300;
    CHECK_FALSE(registry.declare(of(family)).has_value());
    family.per_unit = 1000;
    CHECK(registry.declare(of(family)).has_value());
    family.name = "gantry_other_seconds";
    family.type = Type::Histogram;
    CHECK_FALSE(registry.declare(of(family)).has_value());
    family.help.clear();
    CHECK_FALSE(registry.declare(of(family)).has_value());
}

TEST_CASE("metrics: a series is the same for the same values, whatever bytes they have", "[base][metrics]") {
    Registry registry;
    const GroupId group = *registry.declare(of(counter("gantry_things"), {"a", "b"}));
    const Series one = registry.series(group, {"x", "yz"});
    const Series two = registry.series(group, {"xy", "z"});
    const Series same = registry.series(group, {"x", "yz"});
    const Series odd = registry.series(group, {std::string_view("\0\n", 2), ""});
    CHECK(one.cell() == same.cell());
    CHECK(one.cell() != two.cell());
    CHECK(odd.cell() != 0);
    CHECK(registry.series(group, {"too few"}).cell() == 0);
    registry.add(odd.cell(), 7);
    CHECK(Seen(registry).shown[std::string("gantry_things{a=\0\n,b=}", 22)] == "7");
}

TEST_CASE("metrics: an empty series may be counted in and shows nowhere", "[base][metrics]") {
    Registry registry;
    const Series none;
    registry.add(none.cell(), 1);
    registry.add(none.cell() + Registry::kMostCells - 1, 1);
    CHECK(Seen(registry).shown.empty());
}

TEST_CASE("metrics: beyond the cap there is one series for all others, and the loss is counted",
          "[base][metrics]") {
    Registry registry;
    const GroupId group = *registry.declare(of(counter("gantry_things"), {"a", "b"}, 2));
    const Series one = registry.series(group, {"1", "x"});
    const Series two = registry.series(group, {"2", "x"});
    const Series three = registry.series(group, {"3", "x"});
    const Series four = registry.series(group, {"4", "x"});
    CHECK(three.cell() == four.cell());
    CHECK(registry.series(group, {"2", "x"}).cell() == two.cell());
    registry.add(three.cell(), 5);
    const Seen seen(registry);
    CHECK(seen.shown.at("gantry_things{a=other,b=other}") == "5");
    CHECK(seen.shown.at("gantry_metric_overflows{metric=gantry_things}") == "2");
    CHECK(seen.shown.size() == 4);
}

TEST_CASE("metrics: what nobody holds is forgotten after a while, and before if room is needed",
          "[base][metrics]") {
    Registry registry;
    const GroupId group = *registry.declare(of(counter("gantry_things"), {"host"}, 2));
    const auto cells = registry.lease();
    const Series stays = registry.series(group, {"stays"});
    {
        const Series goes = registry.series(group, {"goes"});
        cells->add(goes.cell(), 3);
        registry.add(goes.cell(), 1);
    }
    // A reload: held again, it goes on.
    CHECK(registry.read(registry.series(group, {"goes"}).cell()) == 4);
    registry.sweep(monotonic_millis() + Registry::kForgetAfter - 60'000);
    CHECK(Seen(registry).shown.at("gantry_things{host=goes}") == "4");
    SECTION("after a while") {
        registry.sweep(monotonic_millis() + Registry::kForgetAfter);
        CHECK_FALSE(Seen(registry).shown.contains("gantry_things{host=goes}"));
    }
    SECTION("room is needed") {
        const Series another = registry.series(group, {"another"});
        const Seen seen(registry);
        CHECK_FALSE(seen.shown.contains("gantry_things{host=goes}"));
        CHECK(seen.shown.at("gantry_things{host=another}") == "0");
    }
    CHECK(Seen(registry).shown.contains("gantry_things{host=stays}"));
    // Its cells begin at nothing again.
    CHECK(registry.read(registry.series(group, {"goes"}).cell()) == 0);
}

TEST_CASE("metrics: a group has several families in one series", "[base][metrics]") {
    Registry registry;
    Group group;
    group.labels = {"host"};
    group.families = {counter("gantry_answers"), counter("gantry_spans"), counter("gantry_bytes")};
    group.families[0].dimensions = {{"method", {"GET", "POST"}}, {"status", {"2xx", "4xx", "5xx"}}};
    group.families[0].hides_zero = true;
    group.families[1].type = Type::Histogram;
    group.families[1].bounds = Bounds::of({10, 20});
    group.families[2].unit = "bytes";
    const GroupId id = *registry.declare(group);
    const Series series = registry.series(id, {"a"});
    const Series silent = registry.series(id, {"b"});
    registry.add(series.cell() + 1 * 3 + 1, 4);  // POST, 4xx
    registry.observe(series.cell() + 6, *group.families[1].bounds, 20);
    registry.observe(series.cell() + 6, *group.families[1].bounds, 21);
    registry.add(series.cell() + 6 + 4, 99);
    const Seen seen(registry);
    CHECK(seen.families == std::vector<std::string>{"gantry_answers", "gantry_spans", "gantry_bytes"});
    CHECK(seen.shown == std::map<std::string, std::string>{
                            {"gantry_answers{host=a,method=POST,status=4xx}", "4"},
                            {"gantry_spans{host=a}", "0,1,1 sum 41"},
                            {"gantry_spans{host=b}", "0,0,0 sum 0"},
                            {"gantry_bytes{host=a}", "99"},
                            {"gantry_bytes{host=b}", "0"},
                        });
}

TEST_CASE("metrics: a walk in small steps sees everything once", "[base][metrics]") {
    Registry registry;
    const GroupId first = *registry.declare(of(counter("gantry_a"), {"n"}, 1000));
    const GroupId second = *registry.declare(of(counter("gantry_b"), {"n"}, 1000));
    std::vector<Series> held;
    for (int i = 0; i < 500; ++i) {
        const std::string name = std::to_string(i);
        held.push_back(registry.series(first, {name}));
        if (i % 3 == 0) held.push_back(registry.series(second, {name}));
    }
    const Seen whole(registry, 100'000);
    CHECK(whole.shown.size() == 500 + 167);
    for (const std::size_t most : {1u, 7u, 33u, 500u}) {
        const Seen seen(registry, most);
        CHECK(seen.shown == whole.shown);
        CHECK(seen.families == whole.families);
    }
    CHECK(Seen(registry, 1).calls >= 667);
}

TEST_CASE("metrics: gauges are set, and those who know are asked at each walk", "[base][metrics]") {
    Registry registry;
    Family family = counter("gantry_level");
    family.type = Type::Gauge;
    const Series series = registry.series(*registry.declare(of(family)), {});
    std::int64_t level = -5;
    const std::uint64_t number = registry.add_collector([&] { registry.set(series.cell(), level--); });
    CHECK(Seen(registry).shown.at("gantry_level{}") == "-5");
    CHECK(Seen(registry).shown.at("gantry_level{}") == "-6");
    registry.remove_collector(number);
    CHECK(Seen(registry).shown.at("gantry_level{}") == "-6");
}

TEST_CASE("metrics: series come and go while others count and walk", "[base][metrics]") {
    Registry registry;
    const GroupId group = *registry.declare(of(counter("gantry_things"), {"n"}, 50));
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int worker = 0; worker < 2; ++worker) {
        threads.emplace_back([&, worker] {
            const auto cells = registry.lease();
            Registry::use_here(cells.get());
            for (int i = 0; i < 3000; ++i) {
                const Series series = registry.series(group, {std::to_string((i * 7 + worker) % 80)});
                registry.add(series.cell(), 1);
            }
            Registry::use_here(nullptr);
            is_over = true;
        });
    }
    int walks = 0;
    while (!is_over || walks < 3) {
        Seen seen(registry, 5);
        ++walks;
        CHECK(seen.shown.size() <= 52);
    }
    for (std::thread& thread : threads) thread.join();
}
