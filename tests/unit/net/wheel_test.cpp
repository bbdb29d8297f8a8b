#include "core/net/wheel.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <memory>
#include <vector>

using gantry::Millis;
using gantry::net::Deadline;
using gantry::net::Wheel;

namespace {

struct Probe final : Deadline {
    explicit Probe(std::vector<Probe*>* fired) : log(fired) {}
    ~Probe() override = default;
    void on_deadline() override { log->push_back(this); }
    std::vector<Probe*>* log;
};

}  // namespace

TEST_CASE("wheel: fires once, not early, and at most one tick late", "[net][wheel]") {
    for (const Millis delay : {1, 99, 100, 101, 5'000, 51'100, 51'200, 51'300, 600'000}) {
        std::vector<Probe*> fired;
        Wheel wheel(1'000'000);
        Probe probe(&fired);
        const Millis due = 1'000'000 + delay;
        wheel.set(probe, due);
        Millis now = 1'000'000;
        while (fired.empty() && now < due + 1'000) {
            now += 10;
            wheel.advance(now);
        }
        INFO("delay " << delay);
        REQUIRE(fired.size() == 1);
        CHECK(now >= due);
        CHECK(now <= due + 2 * Wheel::kTick);
        CHECK_FALSE(probe.is_set());
        wheel.advance(now + 200'000);
        CHECK(fired.size() == 1);
    }
}

TEST_CASE("wheel: a deadline moved further away fires at its new time only", "[net][wheel]") {
    std::vector<Probe*> fired;
    Wheel wheel(0);
    Probe probe(&fired);
    wheel.set(probe, 500);
    wheel.set(probe, 2'000);
    wheel.advance(1'900);
    CHECK(fired.empty());
    wheel.advance(2'300);
    CHECK(fired.size() == 1);
}

TEST_CASE("wheel: a deadline moved nearer fires at its new time", "[net][wheel]") {
    std::vector<Probe*> fired;
    Wheel wheel(0);
    Probe probe(&fired);
    wheel.set(probe, 40'000);
    wheel.set(probe, 500);
    wheel.advance(800);
    CHECK(fired.size() == 1);
}

TEST_CASE("wheel: a cleared or destroyed deadline never fires", "[net][wheel]") {
    std::vector<Probe*> fired;
    Wheel wheel(0);
    Probe cleared(&fired);
    wheel.set(cleared, 300);
    wheel.clear(cleared);
    {
        Probe destroyed(&fired);
        wheel.set(destroyed, 300);
    }
    wheel.advance(100'000);
    CHECK(fired.empty());
}

TEST_CASE("wheel: a deadline may set itself anew while it fires", "[net][wheel]") {
    struct Repeating final : Deadline {
        explicit Repeating(Wheel& owner) : wheel(owner) {}
        ~Repeating() override = default;
        void on_deadline() override {
            ++count;
            wheel.set(*this, due += 200);
        }
        Wheel& wheel;
        Millis due = 200;
        int count = 0;
    };
    Wheel wheel(0);
    Repeating repeating(wheel);
    wheel.set(repeating, 200);
    for (Millis now = 0; now <= 2'000; now += 50) wheel.advance(now);
    CHECK(repeating.count >= 8);
    CHECK(repeating.count <= 10);
}

TEST_CASE("wheel: of thousands that are due at once a few fire in each call", "[net][wheel]") {
    std::vector<Probe*> fired;
    Wheel wheel(0);
    std::vector<std::unique_ptr<Probe>> probes;
    for (int i = 0; i < 5'000; ++i) {
        probes.push_back(std::make_unique<Probe>(&fired));
        wheel.set(*probes.back(), 1'000);
    }
    REQUIRE(wheel.advance(1'300));
    CHECK(fired.size() == Wheel::kFiresPerCall);
    // Between two calls those that wait may be set anew, cleared and destroyed.
    Probe* const moved = probes[4'000].get();
    wheel.set(*moved, 9'000);
    Probe* const cleared = probes[4'001].get();
    wheel.clear(*cleared);
    Probe* const gone = probes[4'002].get();
    probes[4'002].reset();
    int calls = 1;
    while (wheel.advance(1'300)) ++calls;
    CHECK(calls >= 4'997 / Wheel::kFiresPerCall);
    CHECK(fired.size() == 4'997);
    for (Probe* const probe : {moved, cleared, gone})
        CHECK(std::find(fired.begin(), fired.end(), probe) == fired.end());
    wheel.advance(9'300);
    CHECK(fired.size() == 4'998);
    CHECK(fired.back() == moved);
}

TEST_CASE("wheel: what waits for its turn is drained, and let go of with the wheel", "[net][wheel]") {
    struct Drained final : Deadline {
        ~Drained() override = default;
        void on_deadline() override { ++fired; }
        void on_drain() override { ++drained; }
        int fired = 0;
        int drained = 0;
    };
    std::vector<Drained> all(100);
    {
        Wheel wheel(0);
        for (Drained& one : all) wheel.set(one, 1'000);
        REQUIRE(wheel.advance(1'300));
        wheel.drain();
    }
    for (const Drained& one : all) CHECK(one.fired + one.drained == 1);
}

TEST_CASE("wheel: who asks for a moment when drained is asked once, and gets it", "[net][wheel]") {
    struct Asking final : Deadline {
        ~Asking() override = default;
        void on_deadline() override { ++fired; }
        void on_drain() override {
            ++drained;
            wheel->set(*this, 3'000);
        }
        Wheel* wheel = nullptr;
        int fired = 0;
        int drained = 0;
    };
    std::vector<Asking> all(600);
    Wheel wheel(0);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].wheel = &wheel;
        wheel.set(all[i], 1'000 + static_cast<Millis>(i) * 100);
    }
    wheel.advance(900);
    wheel.drain();
    for (const Asking& one : all) REQUIRE((one.drained == 1 && one.fired == 0));
    while (wheel.advance(3'300)) {
    }
    // Those that were due before keep their time: a deadline is only ever moved nearer.
    for (const Asking& one : all) CHECK(one.fired == 1);
}
