#include "modules/limit/table.hpp"

#include "modules/limit/hash.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace limit;

namespace {

using Kind = Decision::Kind;
constexpr std::uint64_t kStart = 1000 * kSecond;

Policy rate(std::uint64_t interval, std::uint64_t burst) {
    Policy policy;
    policy.gcra = {interval, interval * (burst + 1)};
    return policy;
}

Policy concurrency(std::uint32_t most) {
    Policy policy;
    policy.concurrency = most;
    return policy;
}

// Keys as hashes are: spread over everything.
std::uint64_t key(std::uint64_t number) {
    return hash({1, 2}, std::to_string(number));
}

int passes_of(Table& table, std::uint64_t key, const Policy& policy, std::uint64_t now, int tries) {
    int passed = 0;
    for (int i = 0; i < tries; ++i) passed += table.take(key, policy, now).passes() ? 1 : 0;
    return passed;
}

}  // namespace

TEST_CASE("hash: is SipHash-2-4", "[modules][limit]") {
    // Of the paper: key 00 01 .. 0f, texts 00 01 .. of 0, 1, 8 and 15 bytes.
    const Secret secret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    std::string text;
    CHECK(hash(secret, text) == 0x726fdb47dd0e0e31);
    text += '\0';
    CHECK(hash(secret, text) == 0x74f839c593dc67fd);
    for (char c = 1; c < 8; ++c) text += c;
    CHECK(hash(secret, text) == 0x93f5f5799a932462);
    for (char c = 8; c < 15; ++c) text += c;
    CHECK(hash(secret, text) == 0xa129ca6149be45e5);
    CHECK(Secret::random().first != Secret::random().first);
}

TEST_CASE("table: keys are counted apart", "[modules][limit]") {
    Table table(1000);
    CHECK(passes_of(table, key(1), rate(kSecond, 4), kStart, 20) == 5);
    CHECK(passes_of(table, key(2), rate(kSecond, 4), kStart, 20) == 5);
    CHECK(table.size() == 2);
    const Decision refused = table.take(key(1), rate(kSecond, 4), kStart);
    CHECK(refused.kind == Kind::Refuse);
    CHECK(refused.wait == kSecond);
    CHECK(refused.remaining == 0);
    CHECK(refused.reset == 5 * kSecond);
    CHECK(passes_of(table, key(1), rate(kSecond, 4), kStart + 2 * kSecond, 20) == 2);
}

TEST_CASE("table: what is given back was never taken", "[modules][limit]") {
    Table table(1000);
    Policy policy = rate(kSecond, 4);
    policy.concurrency = 5;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(table.take(key(1), policy, kStart).passes());
        table.give_back(key(1), policy);
    }
    CHECK(passes_of(table, key(1), policy, kStart, 20) == 5);
    table.give_back(key(2), policy);  // unknown
    table.release(key(3));
    CHECK(table.size() == 1);
}

TEST_CASE("table: so many at the same time", "[modules][limit]") {
    Table table(1000);
    CHECK(table.take(key(1), concurrency(2), kStart).remaining == 1);
    CHECK(table.take(key(1), concurrency(2), kStart).remaining == 0);
    CHECK(table.take(key(1), concurrency(2), kStart).kind == Kind::Busy);
    table.release(key(1));
    CHECK(table.take(key(1), concurrency(2), kStart).passes());
    table.release(key(1));
    table.release(key(1));
    table.release(key(1));  // once too often does no harm
    CHECK(passes_of(table, key(1), concurrency(2), kStart, 5) == 2);
}

TEST_CASE("table: being too many costs no rate", "[modules][limit]") {
    Table table(1000);
    Policy policy = rate(kSecond, 9);
    policy.concurrency = 1;
    REQUIRE(table.take(key(1), policy, kStart).remaining == 9);
    for (int i = 0; i < 50; ++i) CHECK(table.take(key(1), policy, kStart).kind == Kind::Busy);
    table.release(key(1));
    CHECK(table.take(key(1), policy, kStart).remaining == 8);
}

TEST_CASE("table: bans begin, and end", "[modules][limit]") {
    Table table(1000);
    Policy policy = rate(kSecond, 0);
    policy.ban = {3, 10 * kSecond, 60 * kSecond};
    CHECK(table.take(key(1), policy, kStart).kind == Kind::Pass);
    CHECK(table.take(key(1), policy, kStart).kind == Kind::Refuse);
    CHECK(table.take(key(1), policy, kStart).kind == Kind::Refuse);
    const Decision ban = table.take(key(1), policy, kStart);
    CHECK(ban.kind == Kind::Ban);
    CHECK(ban.wait == 60 * kSecond);
    const Decision banned = table.take(key(1), policy, kStart + 59 * kSecond);
    CHECK(banned.kind == Kind::Banned);
    CHECK(banned.wait == kSecond);
    CHECK(table.take(key(1), policy, kStart + 60 * kSecond).kind == Kind::Pass);
    // Refusals that are far apart are not too many.
    for (std::uint64_t i = 0; i < 20; ++i) {
        const std::uint64_t now = kStart + (100 + 11 * i) * kSecond;
        CHECK(table.take(key(2), policy, now).kind == Kind::Pass);
        CHECK(table.take(key(2), policy, now).kind == Kind::Refuse);
        CHECK(table.take(key(2), policy, now).kind == Kind::Refuse);
    }
    // Whatever else is wrong, a ban without end does not wrap around.
    policy.ban = {1, kSecond, UINT64_MAX};
    table.take(key(4), policy, kStart);
    CHECK(table.take(key(4), policy, kStart).kind == Kind::Ban);
    CHECK(table.take(key(4), policy, UINT64_MAX - 1).kind == Kind::Banned);
}

TEST_CASE("table: goes on refusing what somebody else refused", "[modules][limit]") {
    Table table(1000);
    Policy gate;
    gate.gcra = Table::kGate;
    gate.ban = {3, 10 * kSecond, 60 * kSecond};
    CHECK(passes_of(table, key(1), gate, kStart, 500) == 500);
    const Decision refused = table.refuse(key(3), gate, kStart, kStart + 5 * kSecond);
    CHECK(refused.kind == Kind::Refuse);
    CHECK(refused.wait == 5 * kSecond);
    const Decision still = table.take(key(3), gate, kStart + 2 * kSecond);
    CHECK(still.kind == Kind::Refuse);
    CHECK(whole_seconds(still.wait) == 3);
    CHECK(table.refuse(key(3), gate, kStart + 5 * kSecond, 0).kind == Kind::Ban);
    CHECK(table.take(key(3), gate, kStart + 6 * kSecond).kind == Kind::Banned);
}

TEST_CASE("table: forgets the idlest key, and one that counts no more before", "[modules][limit]") {
    Table table(Table::kLeast);
    REQUIRE(table.capacity() == 1000);
    for (std::uint64_t i = 0; i < 1000; ++i)
        CHECK_FALSE(table.take(key(i), rate(kSecond, 0), kStart).has_evicted);
    CHECK(table.size() == 1000);
    // All of them count still: the first one goes.
    table.take(key(0), rate(kSecond, 0), kStart);  // not the idlest any more
    CHECK(table.take(key(5000), rate(kSecond, 0), kStart).has_evicted);
    CHECK(table.take(key(0), rate(kSecond, 0), kStart).kind == Kind::Refuse);
    CHECK(table.take(key(1), rate(kSecond, 0), kStart).has_evicted);  // which was forgotten
    // None of them counts.
    CHECK_FALSE(table.take(key(6000), rate(kSecond, 0), kStart + kSecond).has_evicted);
    CHECK(table.size() == 1000);
}

TEST_CASE("table: whoever is in use or banned stays", "[modules][limit]") {
    Table table(1000);
    for (std::uint64_t i = 0; i < 999; ++i) REQUIRE(table.take(key(i), concurrency(1), kStart).passes());
    Policy banning;
    banning.ban = {1, kSecond, kSecond};
    CHECK(table.refuse(key(999), banning, kStart, kStart).kind == Kind::Ban);
    // It takes a look at the idlest ones each time, and says so when it finds none.
    for (std::uint64_t i = 0; i < 200; ++i)
        CHECK(table.take(key(5000 + i), concurrency(1), kStart).kind == Kind::Full);
    for (std::uint64_t i = 0; i < 999; ++i)
        CHECK(table.take(key(i), concurrency(1), kStart).kind == Kind::Busy);
    for (std::uint64_t i = 0; i < 999; ++i) table.release(key(i));
    CHECK(table.take(key(6000), concurrency(1), kStart).passes());
    CHECK(table.size() == 1000);
}

TEST_CASE("table: any keys in any order, against a simple one", "[modules][limit]") {
    std::mt19937_64 random(11);
    Table table(2000);
    const Policy policy = rate(kSecond, 2);
    std::vector<std::uint64_t> paid(1500, 0);  // fewer than there is room for
    std::uint64_t now = kStart;
    for (int i = 0; i < 60'000; ++i) {
        now += random() % (kSecond / 500);
        const std::uint64_t number = random() % paid.size();
        const Gcra::Step step = policy.gcra.step(paid[number], now, 1);
        paid[number] = step.paid;
        REQUIRE(table.take(key(number), policy, now).passes() == step.passes);
    }
}

TEST_CASE("table: threads together get what one would, exactly", "[modules][limit]") {
    constexpr int kThreads = 8;
    constexpr int kTries = 4000;
    Table table(1000);
    const Policy strict = rate(3600 * kSecond, 499);
    Policy held = rate(1, 1'000'000'000);
    held.concurrency = 3;
    std::atomic<int> passed{0};
    std::atomic<int> under_way{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread));
            for (int i = 0; i < kTries; ++i) {
                const Decision decision = table.take(key(1), strict, kStart + random() % kSecond);
                // Some of those that pass here are refused elsewhere.
                if (decision.passes() && random() % 4 == 0) {
                    table.give_back(key(1), strict);
                } else if (decision.passes()) {
                    ++passed;
                }
                if (table.take(key(2), held, kStart).passes()) {
                    const int now = ++under_way;
                    int before = most;
                    while (now > before && !most.compare_exchange_weak(before, now)) {
                    }
                    --under_way;
                    table.release(key(2));
                }
                table.take(key(100 + random() % 3000), strict, kStart);  // others come and go
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(passed == 500);
    CHECK(most >= 1);
    CHECK(most <= 3);
    CHECK(passes_of(table, key(2), held, kStart, 10) == 3);
}
