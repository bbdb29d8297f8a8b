#include "modules/compress/load.hpp"

#include "tests/support/catch.hpp"

using namespace compression;
using namespace std::chrono_literals;

TEST_CASE("load: the share of a window", "[modules][compress]") {
    LoadMeter meter;
    CHECK(meter.percent({10s, 2s}) == 0);
    CHECK(meter.percent({10s + 499ms, 3s}) == 0);  // the window is not over
    CHECK(meter.percent({11s, 2s + 500ms}) == 50);
    CHECK(meter.percent({11s + 100ms, 2s + 600ms}) == 50);
    CHECK(meter.percent({12s, 3s + 500ms}) == 100);
    CHECK(meter.percent({13s, 5s}) == 100);
    CHECK(meter.percent({113s, 6s}) == 1);
}

TEST_CASE("load: levels fall", "[modules][compress]") {
    CHECK(level_under(0, 9, 1, 70, 90) == 9);
    CHECK(level_under(70, 9, 1, 70, 90) == 9);
    CHECK(level_under(80, 9, 1, 70, 90) == 5);
    CHECK(level_under(89, 9, 1, 70, 90) == 2);
    CHECK(level_under(90, 9, 1, 70, 90) == 1);
    CHECK(level_under(100, 9, 1, 70, 90) == 1);
    CHECK(level_under(100, 1, 1, 70, 90) == 1);
    CHECK(level_under(100, 6, 1, 100, 95) == 6);  // never
}

TEST_CASE("load: the time of this thread grows with its work", "[modules][compress]") {
    const Spent before = spent_so_far();
    volatile unsigned sink = 0;
    while (spent_so_far().wall - before.wall < 30ms) {
        for (unsigned i = 0; i < 10'000; ++i) sink = sink + i;
    }
    const Spent after = spent_so_far();
    CHECK(after.busy > before.busy);
    CHECK(after.busy - before.busy <= after.wall - before.wall + 50ms);
}
