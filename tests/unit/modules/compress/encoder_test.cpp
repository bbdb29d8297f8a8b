#include "modules/compress/encoder.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/modules/compress/decode.hpp"

#include <random>

using namespace compression;

namespace {

// Words in no order, with numbers between.
std::string text_of(std::size_t size) {
    std::mt19937 random{7};
    std::string text;
    while (text.size() < size) {
        text += "word";
        text += std::to_string(random() % 3000);
        text += random() % 9 == 0 ? ".\n" : " ";
    }
    text.resize(size);
    return text;
}

struct Collected {
    std::string bytes;
    Output output() {
        return {this,
                [](void* self, std::string_view more) { static_cast<Collected*>(self)->bytes += more; }};
    }
};

std::string encoded(Encoder& encoder, std::string_view text, int level, std::size_t piece,
                    bool has_size = true) {
    Collected collected;
    REQUIRE(encoder.begin(level, has_size ? text.size() : UINT64_MAX));
    for (std::size_t at = 0; at < text.size(); at += piece)
        REQUIRE(encoder.encode(text.substr(at, piece), Flush::None, collected.output()));
    REQUIRE(encoder.encode({}, Flush::End, collected.output()));
    encoder.end();
    return collected.bytes;
}

}  // namespace

TEST_CASE("encoder: what goes in comes out", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Zstd, Coding::Brotli, Coding::Gzip);
    Budget budget;
    const auto encoder = Encoder::make(coding, budget);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{1000}, std::size_t{300'000}, std::size_t{3'000'000}}) {
        const std::string text = text_of(size);
        for (const std::size_t piece : {std::size_t{977}, std::size_t{16384}, std::size_t{5'000'000}}) {
            CAPTURE(name_of(coding), size, piece);
            const std::string bytes = encoded(*encoder, text, 3, piece);
            CHECK(decoded(coding, bytes) == text);
            if (size > 1000) CHECK(bytes.size() < size * 3 / 4);
        }
    }
    CHECK(decoded(coding, encoded(*encoder, "", 3, 1, false)).empty());
}

TEST_CASE("encoder: each level", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Zstd, Coding::Brotli, Coding::Gzip);
    Budget budget;
    const auto encoder = Encoder::make(coding, budget);
    const std::string text = text_of(100'000);
    const int most = coding == Coding::Zstd ? 12 : 9;
    std::size_t first = 0;
    std::size_t last = 0;
    for (int level = most; level >= 1; --level) {
        const std::string bytes = encoded(*encoder, text, level, 10'000, false);
        CHECK(decoded(coding, bytes) == text);
        (level == most ? first : last) = bytes.size();
    }
    CHECK(first < last * 19 / 20);  // the level arrives
}

TEST_CASE("encoder: what was flushed can be decoded before the end", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Zstd, Coding::Brotli, Coding::Gzip);
    Budget budget;
    const auto encoder = Encoder::make(coding, budget);
    Collected collected;
    REQUIRE(encoder->begin(3, UINT64_MAX));
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        const std::string event = "data: event " + std::to_string(i) + "\n\n";
        sent += event;
        REQUIRE(encoder->encode(event, i % 2 == 0 ? Flush::Now : Flush::None, collected.output()));
        if (i % 2 == 0) CHECK(decoded_so_far(coding, collected.bytes) == sent);
    }
    REQUIRE(encoder->encode({}, Flush::Now, collected.output()));
    CHECK(decoded_so_far(coding, collected.bytes) == sent);
    REQUIRE(encoder->encode({}, Flush::End, collected.output()));
    CHECK(decoded(coding, collected.bytes) == sent);
    encoder->end();
}

TEST_CASE("encoder: a body that was given up leaves nothing behind", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Zstd, Coding::Brotli, Coding::Gzip);
    Budget budget;
    const auto encoder = Encoder::make(coding, budget);
    const std::string text = text_of(200'000);
    Collected lost;
    REQUIRE(encoder->begin(2, UINT64_MAX));
    REQUIRE(encoder->encode(text, Flush::None, lost.output()));
    encoder->end();
    CHECK(decoded(coding, encoded(*encoder, "short", 5, 5)) == "short");
}

TEST_CASE("encoder: a size that is not kept is no body", "[modules][compress]") {
    Budget budget;
    const auto encoder = Encoder::make(Coding::Zstd, budget);
    Collected collected;
    REQUIRE(encoder->begin(3, 100));
    REQUIRE(encoder->encode("short", Flush::None, collected.output()));
    CHECK_FALSE(encoder->encode({}, Flush::End, collected.output()));
    encoder->end();
    CHECK(decoded(Coding::Zstd, encoded(*encoder, "again", 3, 5)) == "again");
}

TEST_CASE("encoder: the second body takes nothing from the system", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Brotli, Coding::Gzip);
    Budget budget;
    Pool pool{budget};
    const std::string text = text_of(100'000);
    const auto serve = [&] {
        auto encoder = pool.take(coding, 4, text.size());
        REQUIRE(encoder != nullptr);
        Collected collected;
        REQUIRE(encoder->encode(text, Flush::End, collected.output()));
        pool.give(coding, std::move(encoder));
    };
    serve();
    const std::size_t before = Blocks::allocations();
    for (int i = 0; i < 20; ++i) serve();
    CHECK(Blocks::allocations() == before);
}

TEST_CASE("encoder: memory is counted, and given back", "[modules][compress]") {
    const auto coding = GENERATE(Coding::Zstd, Coding::Brotli, Coding::Gzip);
    Budget budget;
    {
        const auto encoder = Encoder::make(coding, budget);
        const std::string text = text_of(3'000'000);
        Collected collected;
        REQUIRE(encoder->begin(coding == Coding::Zstd ? 3 : 4, UINT64_MAX));
        REQUIRE(encoder->encode(text, Flush::Now, collected.output()));
        // What is typical is what it takes, about: the limit is one of memory, not of hope.
        CHECK(budget.used() >= typical_size(coding));
        CHECK(budget.used() < typical_size(coding) * 3 / 2);
        encoder->end();
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("encoder: there are as many as the memory allows", "[modules][compress]") {
    Budget budget;
    budget.set_limit(typical_size(Coding::Zstd) + typical_size(Coding::Brotli));
    Pool pool{budget};
    auto one = pool.take(Coding::Zstd, 3, UINT64_MAX);
    auto two = pool.take(Coding::Zstd, 3, UINT64_MAX);
    CHECK(one != nullptr);
    CHECK(two != nullptr);
    CHECK(pool.take(Coding::Zstd, 3, UINT64_MAX) == nullptr);
    pool.give(Coding::Zstd, std::move(one));
    // An idle one of another kind makes room.
    auto three = pool.take(Coding::Brotli, 4, UINT64_MAX);
    CHECK(three != nullptr);
    CHECK(pool.take(Coding::Zstd, 3, UINT64_MAX) == nullptr);
}
