#include "core/http/h1_parser.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

namespace {

struct Parsed {
    std::string bytes;
    std::unique_ptr<Arena> arena = std::make_unique<Arena>();
    ResponseHead head{*arena};
    Result<std::size_t> result = 0;
};

Parsed parse(std::string_view text, Method request = Method::Get, const HeadLimits& limits = {}) {
    Parsed parsed;
    parsed.bytes = text;
    std::size_t scanned = 0;
    parsed.result = parse_response_head(parsed.bytes, limits, request, parsed.head, scanned);
    // A byte at a time says the same.
    Arena arena;
    ResponseHead head(arena);
    Result<std::size_t> dripped = 0;
    scanned = 0;
    for (std::size_t size = 0; size <= text.size() && dripped && *dripped == 0; ++size) {
        dripped = parse_response_head(std::string_view(parsed.bytes).substr(0, size), limits, request, head,
                                      scanned);
    }
    CHECK(dripped.has_value() == parsed.result.has_value());
    if (dripped && parsed.result) CHECK(*dripped == *parsed.result);
    return parsed;
}

bool is_bad(const Parsed& parsed) {
    return !parsed.result && parsed.result.error().code == Code::BadResponse &&
           parsed.result.error().side == Side::Upstream;
}

}  // namespace

TEST_CASE("h1_response: an ordinary response", "[http][h1]") {
    const Parsed parsed = parse("HTTP/1.1 404 Not Found here\r\nContent-Length: 3\r\nX: y\r\n\r\nabc");
    REQUIRE(parsed.result);
    CHECK(parsed.bytes.substr(*parsed.result) == "abc");
    CHECK(parsed.head.status == 404);
    CHECK(parsed.head.reason == "Not Found here");
    CHECK(parsed.head.version == Version::Http11);
    CHECK(parsed.head.body == BodyKind::Length);
    CHECK(parsed.head.content_length == 3);
    CHECK(parsed.head.keep_alive);
    CHECK(parsed.head.headers.find("x")->value == "y");
}

TEST_CASE("h1_response: the phrase may be empty or missing", "[http][h1]") {
    for (const char* line : {"HTTP/1.1 200 ", "HTTP/1.1 200"}) {
        const Parsed parsed = parse(std::string(line) + "\r\n\r\n");
        REQUIRE(parsed.result);
        CHECK(parsed.head.status == 200);
        CHECK(parsed.head.reason.empty());
    }
}

TEST_CASE("h1_response: a higher minor version is read as HTTP/1.1 (RFC 9110 2.5)", "[http][h1]") {
    const Parsed parsed = parse("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(parsed.result);
    CHECK(parsed.head.version == Version::Http11);
    CHECK(parsed.head.keep_alive);
}

TEST_CASE("h1_response: refused status lines", "[http][h1]") {
    const std::string_view lines[] = {
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200 O\0K"sv,
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 \x7f",
        "HTTP/2.0 200 OK",
        "HTTP/1.10 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "\r\nHTTP/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 -20 OK",
        "",
    };
    for (const std::string_view line : lines) {
        INFO(line);
        CHECK(is_bad(parse(std::string(line) + "\r\nContent-Length: 0\r\n\r\n")));
    }
    CHECK(is_bad(parse("HTTP/1.1 200 OK\nContent-Length: 0\n\n")));
}

TEST_CASE("h1_response: how the body is delimited", "[http][h1]") {
    struct Row {
        const char* status;
        const char* fields;
        Method request;
        BodyKind body;
        bool keep_alive;
    };
    const Row rows[] = {
        {"1.1 200", "Content-Length: 5\r\n", Method::Get, BodyKind::Length, true},
        {"1.1 200", "Content-Length: 5\r\n", Method::Head, BodyKind::None, true},
        {"1.1 200", "", Method::Get, BodyKind::UntilClose, false},
        {"1.1 200", "", Method::Head, BodyKind::None, true},
        {"1.1 200", "Transfer-Encoding: chunked\r\n", Method::Get, BodyKind::Chunked, true},
        {"1.1 200", "Transfer-Encoding: chunked\r\n", Method::Head, BodyKind::None, true},
        {"1.1 200", "Content-Length: 5\r\nConnection: close\r\n", Method::Get, BodyKind::Length, false},
        {"1.0 200", "Content-Length: 5\r\n", Method::Get, BodyKind::Length, false},
        {"1.0 200", "Content-Length: 5\r\nConnection: keep-alive\r\n", Method::Get, BodyKind::Length, true},
        {"1.0 200", "Connection: keep-alive\r\n", Method::Get, BodyKind::UntilClose, false},
        {"1.1 204", "Content-Length: 5\r\n", Method::Get, BodyKind::None, true},
        {"1.1 304", "Content-Length: 5\r\n", Method::Get, BodyKind::None, true},
        {"1.1 304", "", Method::Get, BodyKind::None, true},
        {"1.1 100", "", Method::Post, BodyKind::None, true},
        {"1.1 101", "Connection: upgrade\r\nUpgrade: websocket\r\n", Method::Get, BodyKind::None, true},
        {"1.1 200", "", Method::Connect, BodyKind::None, false},
        {"1.1 400", "Content-Length: 5\r\n", Method::Connect, BodyKind::Length, true},
    };
    for (const Row& row : rows) {
        INFO(row.status << " " << row.fields);
        const Parsed parsed =
            parse("HTTP/" + std::string(row.status) + " X\r\n" + row.fields + "\r\n", row.request);
        REQUIRE(parsed.result);
        CHECK(parsed.head.body == row.body);
        CHECK(parsed.head.keep_alive == row.keep_alive);
    }
}

TEST_CASE("h1_response: framing in doubt is a bad response", "[http][h1]") {
    const std::string_view fields[] = {
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: -1",
        "Content-Length:",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding:",
        "X: a\r\n folded",
        "X : a",
        "X: a\nY: b",
        "X: \0"sv,
        "X",
    };
    for (const std::string_view field : fields) {
        INFO(field);
        CHECK(is_bad(parse("HTTP/1.1 200 OK\r\n" + std::string(field) + "\r\n\r\n")));
    }
    CHECK(is_bad(parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")));
}

TEST_CASE("h1_response: limits are the peer's fault", "[http][h1]") {
    HeadLimits limits;
    limits.head_bytes = 60;
    limits.fields = 2;
    CHECK(is_bad(parse("HTTP/1.1 200 OK\r\nX: " + std::string(100, 'x') + "\r\n\r\n", Method::Get, limits)));
    CHECK(is_bad(parse("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", Method::Get, limits)));
    CHECK(parse("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", Method::Get, limits).result);
}

TEST_CASE("h1_trailers: fields up to the empty line", "[http][h1]") {
    Arena arena;
    Headers trailers(arena);
    std::size_t scanned = 0;
    CHECK(*parse_trailers("\r\nGET", {}, Side::Client, trailers, scanned) == 2);
    CHECK(trailers.empty());

    const std::string text = "X-Sum: 1\r\nServer: y\r\n\r\n";
    scanned = 0;
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto result =
            parse_trailers(std::string_view(text).substr(0, size), {}, Side::Client, trailers, scanned);
        REQUIRE(result);
        CHECK(*result == 0);
    }
    CHECK(*parse_trailers(text, {}, Side::Client, trailers, scanned) == text.size());
    REQUIRE(trailers.size() == 2);
    CHECK(trailers.at(0).value == "1");
}

TEST_CASE("h1_trailers: refuses what has no place there", "[http][h1]") {
    for (const char* text :
         {"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "host: x\r\n\r\n",
          "Authorization: x\r\n\r\n", "Connection: close\r\n\r\n", "X-Ok: 1\r\nTrailer: x\r\n\r\n",
          "X : 1\r\n\r\n", "X: 1\n\r\n", "X: 1\r\n y\r\n\r\n", "\n"}) {
        INFO(text);
        Arena arena;
        Headers trailers(arena);
        std::size_t scanned = 0;
        const auto client = parse_trailers(text, {}, Side::Client, trailers, scanned);
        REQUIRE_FALSE(client);
        CHECK(client.error().code == Code::BadRequest);
        scanned = 0;
        const auto upstream = parse_trailers(text, {}, Side::Upstream, trailers, scanned);
        REQUIRE_FALSE(upstream);
        CHECK(upstream.error().code == Code::BadResponse);
    }
    Arena arena;
    Headers trailers(arena);
    std::size_t scanned = 0;
    HeadLimits limits;
    limits.head_bytes = 20;
    const auto result =
        parse_trailers("X: 0123456789012345678901234567890\r\n\r\n", limits, Side::Client, trailers, scanned);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::HeaderTooLarge);
}
