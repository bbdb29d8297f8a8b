#include "modules/limit/rate.hpp"

#include "modules/limit/fields.hpp"
#include "modules/limit/log_throttle.hpp"
#include "tests/support/catch.hpp"

using namespace limit;

namespace {

Rate rate_of(std::string_view text) {
    const ParsedRate parsed = parse_rate(text);
    INFO(text << ": " << parsed.fault);
    REQUIRE(parsed.rate);
    return *parsed.rate;
}

}  // namespace

TEST_CASE("rate: what is written is what is meant", "[modules][limit]") {
    CHECK(rate_of("10/s").interval() == kSecond / 10);
    CHECK(rate_of("600/m").interval() == kSecond / 10);
    CHECK(rate_of("1/h").interval() == 3600 * kSecond);
    CHECK(rate_of("1/d").interval() == 86400 * kSecond);
    CHECK(rate_of("20/10s").interval() == kSecond / 2);
    CHECK(rate_of("1000000/s").interval() == 1000);
    CHECK(rate_of("1/366d").interval() == 366 * 86400 * kSecond);
    CHECK(rate_of("999999999/1000s").count == 999999999);
    // Rounded so that it is never more than the rate.
    CHECK(rate_of("3/s").interval() * 3 >= kSecond);
}

TEST_CASE("rate: everything else is refused", "[modules][limit]") {
    for (const char* text :
         {"",      "/",       "10",        "10/",        "/s",     "10/x",         "10 /s",         " 10/s",
          "10/s ", "-1/s",    "+1/s",      "1.5/s",      "0/s",    "10/0s",        "0x1/s",         "10/ss",
          "10//s", "10/1s/s", "1000001/s", "2000001/2s", "1/367d", "1000000000/s", "1/1000000000s", "10/S"}) {
        INFO(text);
        const ParsedRate parsed = parse_rate(text);
        CHECK_FALSE(parsed.rate);
        CHECK_FALSE(parsed.fault.empty());
    }
}

TEST_CASE("rate: a burst and one pass, and then one in each interval", "[modules][limit]") {
    const Gcra gcra = Gcra::of(rate_of("10/s"), 4);
    std::uint64_t paid = 0;
    const std::uint64_t start = 1000 * kSecond;
    const auto passes = [&](std::uint64_t now) {
        const Gcra::Step step = gcra.step(paid, now, 1);
        paid = step.paid;
        return step.passes;
    };
    for (int i = 0; i < 5; ++i) {
        CHECK(gcra.remaining(paid, start) == static_cast<std::uint64_t>(5 - i));
        CHECK(passes(start));
    }
    CHECK(gcra.remaining(paid, start) == 0);
    CHECK_FALSE(passes(start));
    CHECK(gcra.step(paid, start, 1).wait == kSecond / 10);
    CHECK_FALSE(passes(start + kSecond / 10 - 1));
    CHECK(gcra.step(paid, start + kSecond / 10 - 1, 1).wait == 1);
    CHECK(passes(start + kSecond / 10));
    CHECK_FALSE(passes(start + kSecond / 10));
    // A pause makes up for no more than the burst.
    int count = 0;
    while (passes(start + 3600 * kSecond)) ++count;
    CHECK(count == 5);
}

TEST_CASE("rate: in any time no more than the rate and the burst pass", "[modules][limit]") {
    const Gcra gcra = Gcra::of(rate_of("7/s"), 3);
    std::uint64_t paid = 0;
    std::uint64_t count = 0;
    for (std::uint64_t now = 0; now <= 100 * kSecond; now += kSecond / 1000) {
        const Gcra::Step step = gcra.step(paid, now, 1);
        paid = step.paid;
        count += step.passes ? 1 : 0;
    }
    CHECK(count <= 700 + 4);
    CHECK(count >= 700);
}

TEST_CASE("rate: turns of those that wait follow one another", "[modules][limit]") {
    const Gcra gcra = Gcra::of(rate_of("2/s"), 3);
    std::uint64_t paid = 0;
    for (std::uint64_t turn = 0; turn < 4; ++turn) {
        const Gcra::Step step = gcra.step(paid, kSecond, 1);
        REQUIRE(step.passes);
        CHECK(step.wait == turn * kSecond / 2);
        paid = step.paid;
    }
}

TEST_CASE("rate: what costs more takes more", "[modules][limit]") {
    const Gcra gcra = Gcra::of(rate_of("1/s"), 9);
    const Gcra::Step first = gcra.step(0, kSecond, 6);
    REQUIRE(first.passes);
    CHECK(gcra.remaining(first.paid, kSecond) == 4);
    CHECK_FALSE(gcra.step(first.paid, kSecond, 5).passes);
    CHECK(gcra.step(first.paid, kSecond, 5).wait == kSecond);
    CHECK(gcra.step(first.paid, kSecond, 4).passes);
    CHECK_FALSE(gcra.step(0, kSecond, 11).passes);
}

TEST_CASE("rate: the end of time lets nobody through by an overflow", "[modules][limit]") {
    const Gcra gcra = Gcra::of(rate_of("1/366d"), 100);
    CHECK(add(UINT64_MAX, 1) == UINT64_MAX);
    CHECK(multiply(UINT64_MAX / 2, 3) == UINT64_MAX);
    CHECK(multiply(0, UINT64_MAX) == 0);
    CHECK_FALSE(gcra.step(UINT64_MAX, 5, 1).passes);
    CHECK_FALSE(gcra.step(UINT64_MAX, UINT64_MAX, 1).passes);
    CHECK_FALSE(gcra.step(0, UINT64_MAX - 1, 1).passes);
    CHECK_FALSE(gcra.step(0, 0, UINT64_MAX).passes);
    // Paid for a time far ahead, as by a rate that was slower.
    const Gcra::Step step = gcra.step(UINT64_MAX - 1, kSecond, 1);
    CHECK_FALSE(step.passes);
    CHECK(step.wait > 0);
    CHECK(gcra.remaining(UINT64_MAX, 0) == 0);
    CHECK(gcra.remaining(0, UINT64_MAX) == 101);
    const Gcra large{UINT64_MAX / 2, UINT64_MAX};
    CHECK(large.step(0, 0, 1).passes);
    CHECK_FALSE(large.step(0, 0, 3).passes);
}

TEST_CASE("rate: seconds are rounded up", "[modules][limit]") {
    CHECK(whole_seconds(0) == 0);
    CHECK(whole_seconds(1) == 1);
    CHECK(whole_seconds(kSecond) == 1);
    CHECK(whole_seconds(kSecond + 1) == 2);
    CHECK(whole_seconds(UINT64_MAX) == UINT64_MAX / kSecond + 1);
    CHECK(retry_after(0) == 1);
}

TEST_CASE("fields: what clients are told", "[modules][limit]") {
    CHECK(policy_item("a", rate_of("10/s"), 0) == "\"a\";q=10;w=1");
    CHECK(policy_item("a", rate_of("7/s"), 6) == "\"a\";q=7;w=1");
    CHECK(policy_item("a", rate_of("600/m"), 20) == "\"a\";q=600;w=60");
    CHECK(policy_item("a", rate_of("10/s"), 20) == "\"a\";q=21;w=3");
    CHECK(policy_item("a", rate_of("1/366d"), 1'000'000) == "\"a\";q=1000001;w=31622431622400");
    CHECK(policy_item("a", 8) == "\"a\";q=8;qu=\"concurrent-requests\"");
    char room[160];
    const auto item = [&](const Decision& decision) {
        return std::string(room, write_item(room, sizeof room, "a", decision));
    };
    CHECK(item({.remaining = 3, .reset = kSecond / 2}) == "\"a\";r=3;t=1");
    CHECK(item({.remaining = 5}) == "\"a\";r=5;t=0");
    CHECK(item({.kind = Decision::Kind::Refuse, .wait = 3 * kSecond + 1, .remaining = 2}) == "\"a\";r=0;t=4");
    CHECK(item({.kind = Decision::Kind::Busy}) == "\"a\";r=0;t=1");
    CHECK(write_item(room, 5, "a", {}) == 0);
    CHECK(is_name("per-client_2"));
    for (const char* name : {"", "a b", "a\"b", "a.b", "\n", "\xc3\xa9"}) CHECK_FALSE(is_name(name));
    CHECK_FALSE(is_name(std::string(65, 'a')));
}

TEST_CASE("fields: what clients choose breaks no line of a log", "[modules][limit]") {
    char room[8];
    CHECK(shown("a b\n\"c\\", room, sizeof room) == "a?b??c?");
    CHECK(shown("0123456789", room, sizeof room) == "01234567");
    CHECK(shown("", room, sizeof room).empty());
}

TEST_CASE("log_throttle: one line in a second, and how many were left out", "[modules][limit]") {
    LogThrottle throttle;
    CHECK(throttle.allow(kSecond) == 0u);
    CHECK_FALSE(throttle.allow(kSecond));
    CHECK_FALSE(throttle.allow(2 * kSecond - 1));
    CHECK(throttle.allow(2 * kSecond) == 2u);
    CHECK(throttle.allow(9 * kSecond) == 0u);
}
