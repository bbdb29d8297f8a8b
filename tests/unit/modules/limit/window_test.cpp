#include "modules/limit/window.hpp"

#include "modules/limit/digest.hpp"
#include "tests/support/catch.hpp"

using namespace limit;

TEST_CASE("window: as many as may, and no more", "[modules][limit]") {
    for (std::int64_t count = 1; count <= 20; ++count) {
        const WindowVerdict verdict = judge({count, 0, 0}, kSecond, 10, 1);
        CHECK(verdict.passes == (count <= 10));
        CHECK(verdict.remaining == static_cast<std::uint64_t>(count <= 10 ? 10 - count : 0));
        CHECK(verdict.reset == kSecond);
    }
}

TEST_CASE("window: the one before counts in part", "[modules][limit]") {
    CHECK_FALSE(judge({1, 10, 0}, kSecond, 10, 1).passes);
    CHECK_FALSE(judge({6, 10, kSecond / 2}, kSecond, 10, 1).passes);
    CHECK(judge({5, 10, kSecond / 2}, kSecond, 10, 1).passes);
    CHECK(judge({10, 10, kSecond}, kSecond, 10, 1).passes);
    CHECK(judge({5, 10, kSecond / 2}, kSecond, 10, 1).reset == kSecond / 2);
}

TEST_CASE("window: whoever waits as long as is said passes", "[modules][limit]") {
    for (const std::int64_t previous : {0, 3, 10, 40}) {
        for (const std::int64_t count : {1, 5, 10, 11, 30}) {
            for (const std::uint64_t into : {std::uint64_t{0}, kSecond / 3, kSecond - 1}) {
                const WindowVerdict verdict = judge({count, previous, into}, kSecond, 10, 1);
                if (verdict.passes) continue;
                REQUIRE(verdict.wait > 0);
                const std::uint64_t then = into + verdict.wait + 1000;  // it is rounded
                // What was refused was given back.
                const WindowCount later =
                    then < kSecond ? WindowCount{count, previous, then}
                                   : WindowCount{1, then < 2 * kSecond ? count - 1 : 0, then % kSecond};
                INFO(previous << " " << count << " " << into << " " << verdict.wait);
                CHECK(judge(later, kSecond, 10, 1).passes);
            }
        }
    }
}

TEST_CASE("window: whatever a store says", "[modules][limit]") {
    CHECK(judge({-5, -5, 0}, kSecond, 10, 1).passes);
    CHECK_FALSE(judge({INT64_MAX, INT64_MAX, UINT64_MAX}, kSecond, 10, 1).passes);
    CHECK(judge({INT64_MAX, INT64_MAX, 0}, 0, 10, 1).wait <= 2);
    CHECK_FALSE(judge({20, 0, 0}, kSecond, 10, 20).passes);
}

TEST_CASE("digest: is SHA-256", "[modules][limit]") {
    CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb924");
    CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223");
    CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039");
    CHECK(digest(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67");
    for (const std::size_t size : {55, 56, 63, 64, 65, 119, 120})
        CHECK(digest(std::string(size, 'x')).size() == 32);
}
