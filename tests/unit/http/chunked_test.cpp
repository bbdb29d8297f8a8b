#include "core/http/chunked.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

struct Decoded {
    std::string body;
    std::size_t consumed = 0;
    bool last = false;
    bool failed = false;
    Code code = Code::Internal;
};

// Feeds `text` in pieces of at most `piece` bytes.
Decoded decode(std::string_view text, std::size_t piece, Side side = Side::Client) {
    ChunkedDecoder decoder(side);
    Decoded decoded;
    while (decoded.consumed < text.size() && !decoded.last) {
        std::string_view part = text.substr(decoded.consumed, piece);
        while (!decoded.last) {
            const auto step = decoder.feed(part);
            if (!step) {
                decoded.failed = true;
                decoded.code = step.error().code;
                return decoded;
            }
            decoded.body += step->data;
            decoded.consumed += step->consumed;
            decoded.last = step->last;
            if (step->consumed == 0) break;
            part.remove_prefix(step->consumed);
        }
    }
    return decoded;
}

}  // namespace

TEST_CASE("chunked: the data comes out the same however it was cut", "[http]") {
    const std::string text =
        "5\r\nhello\r\n"
        "0A;name=\"v;x\" ;y\r\n0123456789\r\n"
        "1 \t;z\r\n!\r\n"
        "00\r\nTrailer: x\r\n\r\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        const Decoded decoded = decode(text, piece);
        INFO(piece);
        REQUIRE_FALSE(decoded.failed);
        CHECK(decoded.last);
        CHECK(decoded.body == "hello0123456789!");
        CHECK(text.substr(decoded.consumed) == "Trailer: x\r\n\r\n");
    }
}

TEST_CASE("chunked: consumes nothing behind the last chunk", "[http]") {
    ChunkedDecoder decoder(Side::Client);
    const auto step = decoder.feed("0\r\n\r\nGET");
    REQUIRE(step);
    CHECK(step->last);
    CHECK(step->consumed == 3);
    const auto again = decoder.feed("\r\nGET");
    REQUIRE(again);
    CHECK(again->last);
    CHECK(again->consumed == 0);
    CHECK(again->data.empty());
}

TEST_CASE("chunked: refuses framing that could be read in two ways", "[http]") {
    const std::string_view bad[] = {
        "\r\n",
        "\n",
        "5\nhello\r\n",
        "5\rhello\r\n",
        "5\r\rhello",
        "g\r\n",
        "-5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "5 5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        ";x\r\n",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "5\r\nhello0\r\n\r\n",
        "5;a\nb\r\nhello\r\n",
        "5;a\rb\r\nhello\r\n",
        std::string_view("5;\0\r\nhello\r\n", 11),
        "5;\x7f\r\nhello\r\n",
        "00000000000000005\r\nhello\r\n",
        "8000000000000000\r\n",
        "ffffffffffffffff\r\n",
        "5,\r\nhello\r\n",
    };
    for (const std::string_view text : bad) {
        for (std::size_t piece = 1; piece <= text.size(); ++piece) {
            INFO(text << " in pieces of " << piece);
            const Decoded client = decode(text, piece);
            CHECK(client.failed);
            CHECK(client.code == Code::BadRequest);
            CHECK(decode(text, piece, Side::Upstream).code == Code::BadResponse);
        }
    }
}

TEST_CASE("chunked: extensions are limited to 256 bytes", "[http]") {
    CHECK_FALSE(decode("1;" + std::string(256, 'e') + "\r\n", 1000).failed);
    CHECK(decode("1;" + std::string(257, 'e') + "\r\n", 1000).failed);
    CHECK(decode("1" + std::string(257, ' ') + ";\r\n", 1000).failed);
}

TEST_CASE("chunked: writes sizes in hexadecimal", "[http]") {
    char to[18];
    CHECK(std::string(to, write_chunk_size(to, 0)) == "0\r\n");
    CHECK(std::string(to, write_chunk_size(to, 0x1f4a)) == "1f4a\r\n");
    CHECK(std::string(to, write_chunk_size(to, ~std::uint64_t{0})) == "ffffffffffffffff\r\n");
}
