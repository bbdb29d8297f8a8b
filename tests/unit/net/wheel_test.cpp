#include "core/net/wheel.hpp"

#include "tests/support/catch.hpp"

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
