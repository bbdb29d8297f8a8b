#include "modules/limit/bans.hpp"

#include "modules/limit/table.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace limit;

namespace {

constexpr std::uint64_t kStart = 1000 * kSecond;

Ban ban(std::uint64_t key, const char* rule, const char* who, std::uint64_t until) {
    return {key, rule, "www.example.com", who, "192.0.2.1", until};
}

}  // namespace

TEST_CASE("bans: those that hold are found, the first to end first", "[modules][limit]") {
    Bans bans;
    bans.add(ban(1, "login", "a", kStart + 20), kStart);
    bans.add(ban(2, "login", "b", kStart + 10), kStart);
    bans.add(ban(3, "other", "a", kStart + 30), kStart);
    const auto all = bans.find({}, kStart);
    REQUIRE(all.size() == 3);
    CHECK(all[0].who == "b");
    CHECK(all[2].rule == "other");
    CHECK(bans.find({"login", {}}, kStart).size() == 2);
    CHECK(bans.find({{}, "a"}, kStart).size() == 2);
    CHECK(bans.find({"other", "b"}, kStart).empty());
    CHECK(bans.find({{}, "192.0.2.1"}, kStart).size() == 3);
    CHECK(bans.find({}, kStart + 10).size() == 2);
    bans.remove(1);
    CHECK(bans.find({}, kStart).size() == 2);
    bans.add(ban(2, "login", "b", kStart + 50), kStart + 20);
    CHECK(bans.find({}, kStart + 40).size() == 1);
}

TEST_CASE("bans: those that are over are forgotten", "[modules][limit]") {
    Bans bans;
    for (std::uint64_t i = 0; i < 100'000; ++i) bans.add(ban(i, "login", "a", kStart + i + 10), kStart + i);
    CHECK(bans.find({}, kStart + 100'000).size() == 9);
}

TEST_CASE("table: who is pardoned begins anew", "[modules][limit]") {
    Table table(1000);
    Policy policy;
    policy.gcra = {3600 * kSecond, 3600 * kSecond};
    policy.ban = {1, 60 * kSecond, 600 * kSecond};
    CHECK(table.take(7, policy, kStart).passes());
    CHECK(table.take(7, policy, kStart).kind == Decision::Kind::Ban);
    CHECK(table.take(7, policy, kStart).kind == Decision::Kind::Banned);
    table.pardon(7);
    CHECK(table.take(7, policy, kStart).passes());
    CHECK(table.take(7, policy, kStart).kind == Decision::Kind::Ban);
    table.pardon(8);  // of nobody
}
