#include "core/base/hash.hpp"

#include "tests/support/catch.hpp"

#include <bit>
#include <set>
#include <string>

using namespace gantry;

TEST_CASE("hash: equal bytes hash alike, different ones do not", "[base][hash]") {
    std::set<std::uint64_t> seen;
    std::string text;
    for (int i = 0; i < 300; ++i) {
        CHECK(hash_bytes(text, 7) == hash_bytes(std::string(text), 7));
        seen.insert(hash_bytes(text, 7));
        text += static_cast<char>(i % 3 == 0 ? '\0' : 'a');
    }
    CHECK(seen.size() == 300);  // the length counts, runs of the same byte too
    CHECK(hash_bytes("a", 1) != hash_bytes("a", 2));
    CHECK(process_hash_seed() == process_hash_seed());
}

TEST_CASE("hash: one changed bit changes about half of the result", "[base][hash]") {
    for (const std::size_t size : {1u, 3u, 4u, 7u, 8u, 13u, 16u, 17u, 31u, 32u, 64u}) {
        const std::string text(size, 'x');
        unsigned changed = 0;
        for (std::size_t bit = 0; bit < size * 8; ++bit) {
            std::string other = text;
            other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
            const int bits = std::popcount(hash_bytes(text, 99) ^ hash_bytes(other, 99));
            changed += static_cast<unsigned>(bits);
            CHECK(bits >= 10);
        }
        const double mean = static_cast<double>(changed) / static_cast<double>(size * 8);
        INFO(size);
        CHECK(mean > 28);
        CHECK(mean < 36);
    }
}

TEST_CASE("hash: both halves spread host names evenly", "[base][hash]") {
    constexpr std::size_t kBuckets = 1024;
    std::vector<unsigned> low(kBuckets), high(kBuckets);
    for (int i = 0; i < 100 * 1024; ++i) {
        const std::uint64_t hash = hash_bytes("host-" + std::to_string(i) + ".example.com", 5);
        ++low[hash % kBuckets];
        ++high[hash >> 32 & (kBuckets - 1)];
    }
    // Poisson with mean 100: 160 is six deviations away.
    for (std::size_t i = 0; i < kBuckets; ++i) {
        REQUIRE(low[i] < 160);
        REQUIRE(high[i] < 160);
        REQUIRE(low[i] > 45);
        REQUIRE(high[i] > 45);
    }
}
