#include "core/http/h1_writer.hpp"

#include "core/http/h1_parser.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kDateLine = "Date: " + std::string(kDate) + "\r\n";

std::string text_of(Chain& chain) {
    std::string text;
    for (std::size_t i = 0; i < chain.segments(); ++i) text += chain.at(i).view();
    CHECK(text.size() == chain.bytes());
    return text;
}

struct Written {
    BlockPool pool;
    Arena arena;
    ResponseHead head{arena};
    Chain chain{pool};

    std::string response(Version version = Version::Http11, bool keep_alive = true, bool server = false) {
        chain.clear();
        write_response_head(head, version, keep_alive, kDate, server, chain);
        return text_of(chain);
    }
};

}  // namespace

TEST_CASE("h1_writer: an ordinary response head", "[http][h1]") {
    Written out;
    out.head.body = BodyKind::Length;
    out.head.content_length = 1234;
    out.head.headers.add(HeaderId::ContentType, "text/html");
    out.head.headers.add("X-Empty", "");
    CHECK(out.response(Version::Http11, true, true) ==
          "HTTP/1.1 200 OK\r\n" + kDateLine +
              "Server: gantry\r\nContent-Type: text/html\r\nX-Empty: \r\nContent-Length: 1234\r\n\r\n");
    CHECK(out.chain.segments() == 1);
}

TEST_CASE("h1_writer: the framing follows the body kind, not the given fields", "[http][h1]") {
    Written out;
    out.head.headers.add(HeaderId::ContentLength, "99");
    out.head.headers.add(HeaderId::TransferEncoding, "gzip");
    const std::string begin = "HTTP/1.1 200 OK\r\n" + kDateLine;

    out.head.body = BodyKind::Chunked;
    CHECK(out.response() == begin + "Transfer-Encoding: chunked\r\n\r\n");
    CHECK(out.response(Version::Http10, false) == begin + "Connection: close\r\n\r\n");
    out.head.body = BodyKind::Length;
    out.head.content_length = 18446744073709551615u;
    CHECK(out.response() == begin + "Content-Length: 18446744073709551615\r\n\r\n");
    out.head.body = BodyKind::UntilClose;
    CHECK(out.response(Version::Http11, false) == begin + "Connection: close\r\n\r\n");
    out.head.body = BodyKind::None;
    CHECK(out.response() == begin + "Content-Length: 99\r\n\r\n");

    out.head.headers.clear();
    CHECK(out.response() == begin + "Content-Length: 0\r\n\r\n");
    out.head.status = 204;
    CHECK(out.response() == "HTTP/1.1 204 No Content\r\n" + kDateLine + "\r\n");
    out.head.status = 304;
    CHECK(out.response() == "HTTP/1.1 304 Not Modified\r\n" + kDateLine + "\r\n");
}

TEST_CASE("h1_writer: Connection says what the codec decided", "[http][h1]") {
    Written out;
    out.head.body = BodyKind::Length;
    out.head.headers.add(HeaderId::Connection, "x-hop");
    const std::string begin = "HTTP/1.1 200 OK\r\n" + kDateLine + "Content-Length: 0\r\n";
    CHECK(out.response(Version::Http11, true) == begin + "\r\n");
    CHECK(out.response(Version::Http11, false) == begin + "Connection: close\r\n\r\n");
    CHECK(out.response(Version::Http10, true) == begin + "Connection: keep-alive\r\n\r\n");
    CHECK(out.response(Version::Http10, false) == begin + "Connection: close\r\n\r\n");

    out.head.status = 101;
    out.head.body = BodyKind::None;
    out.head.headers.clear();
    out.head.headers.add(HeaderId::Connection, "upgrade");
    out.head.headers.add(HeaderId::Upgrade, "websocket");
    CHECK(out.response() == "HTTP/1.1 101 Switching Protocols\r\n" + kDateLine +
                                "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("h1_writer: given Date, Server and reason win", "[http][h1]") {
    Written out;
    out.head.reason = "Fine";
    out.head.headers.add(HeaderId::Date, "then");
    out.head.headers.add(HeaderId::Server, "them");
    CHECK(out.response(Version::Http11, true, true) ==
          "HTTP/1.1 200 Fine\r\nDate: then\r\nServer: them\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("h1_writer: unknown statuses have an empty phrase", "[http][h1]") {
    Written out;
    out.head.status = 299;
    CHECK(out.response().substr(0, 15) == "HTTP/1.1 299 \r\n");
    out.head.status = 999;
    CHECK(out.response().substr(0, 15) == "HTTP/1.1 999 \r\n");
}

TEST_CASE("h1_writer: nothing that is written can split a head", "[http][h1]") {
    const std::string_view evil = "a\r\nSet-Cookie: x\r\n\r\n<html>\0\n\r"sv;
    for (const std::size_t filler : {0u, 1u, 5u, 6u, 7u, 8u, 20u, 20000u}) {
        const std::string value = std::string(filler, 'f') + std::string(evil) + std::string(filler, 'g');
        Written out;
        out.head.reason = value;
        out.head.headers.add(value, value);
        out.head.headers.add(HeaderId::Location, value);
        const std::string text = out.response();
        CHECK(text.find('\0') == text.npos);
        std::size_t lines = 0;
        for (std::size_t at = 0; (at = text.find_first_of("\r\n", at)) != text.npos; at += 2, ++lines) {
            REQUIRE(text.substr(at, 2) == "\r\n");
        }
        CHECK(lines == 6);  // status, Date, two fields, Content-Length, end
        CHECK(text.find("a  Set-Cookie: x    <html>   g") == (filler == 0 ? text.npos : text.find("a  Set")));
    }
    Written out;
    out.head.headers.add("X", "tabs\tand \xc3\xa4 stay, however long the value is");
    CHECK(out.response().find("X: tabs\tand \xc3\xa4 stay, however") != std::string::npos);
}

TEST_CASE("h1_writer: heads larger than a block are whole", "[http][h1]") {
    Written out;
    std::string expected = "HTTP/1.1 200 OK\r\n" + kDateLine;
    const std::string value(3000, 'v');
    for (int i = 0; i < 20; ++i) {
        out.head.headers.add("X-Large", value);
        expected += "X-Large: " + value + "\r\n";
    }
    CHECK(out.response() == expected + "Content-Length: 0\r\n\r\n");
    CHECK(out.chain.segments() > 1);
}

TEST_CASE("h1_writer: interim responses", "[http][h1]") {
    Written out;
    write_interim_head(100, nullptr, out.chain);
    CHECK(text_of(out.chain) == "HTTP/1.1 100 Continue\r\n\r\n");
    out.chain.clear();
    out.head.headers.add(HeaderId::Link, "</a>; rel=preload");
    write_interim_head(103, &out.head.headers, out.chain);
    CHECK(text_of(out.chain) == "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
}

TEST_CASE("h1_writer: a request head", "[http][h1]") {
    Written out;
    out.head.headers.add(HeaderId::Host, "app");
    out.head.headers.add(HeaderId::ContentLength, "77");
    out.head.headers.add(HeaderId::TransferEncoding, "chunked");
    const Headers& headers = out.head.headers;
    const auto written = [&](const OutgoingRequest& request) {
        out.chain.clear();
        write_request_head(request, out.chain);
        return text_of(out.chain);
    };
    CHECK(written({"GET", "/a?b", headers}) == "GET /a?b HTTP/1.1\r\nHost: app\r\n\r\n");
    CHECK(written({"POST", "/", headers, Version::Http11, BodyKind::Length, 0}) ==
          "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n");
    CHECK(written({"POST", "/", headers, Version::Http11, BodyKind::Chunked}) ==
          "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(written({"GET", "/", headers, Version::Http10}) == "GET / HTTP/1.0\r\nHost: app\r\n\r\n");
    CHECK(written({"GET", "/a b\r\n\xff#\x7f", headers}) ==
          "GET /a%20b%0D%0A%FF%23%7F HTTP/1.1\r\nHost: app\r\n\r\n");
    CHECK(written({"G\r\nT", "/", headers}).substr(0, 8) == "G  T / H");
}

TEST_CASE("h1_writer: trailers", "[http][h1]") {
    Written out;
    write_trailers(nullptr, out.chain);
    CHECK(text_of(out.chain) == "\r\n");
    out.head.headers.add("X-Sum", "1");
    write_trailers(&out.head.headers, out.chain);
    CHECK(text_of(out.chain) == "\r\nX-Sum: 1\r\n\r\n");
}

TEST_CASE("h1_writer: what it writes, the parser reads", "[http][h1]") {
    Written out;
    out.head.status = 404;
    out.head.body = BodyKind::Chunked;
    out.head.headers.add("X-A", "b");
    const std::string text = out.response(Version::Http11, false);
    Arena arena;
    ResponseHead head(arena);
    std::size_t scanned = 0;
    const auto size = parse_response_head(text, {}, Method::Get, head, scanned);
    REQUIRE(size);
    CHECK(*size == text.size());
    CHECK(head.status == 404);
    CHECK(head.reason == "Not Found");
    CHECK(head.body == BodyKind::Chunked);
    CHECK_FALSE(head.keep_alive);
    CHECK(head.headers.find("x-a")->value == "b");
}
