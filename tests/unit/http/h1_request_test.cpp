#include "core/http/h1_parser.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

namespace {

struct Parsed {
    std::string bytes;  // what the views point into
    std::unique_ptr<Arena> arena = std::make_unique<Arena>();
    RequestHead head{*arena};
    Result<std::size_t> result = 0;

    Code code() const { return result ? Code::Internal : result.error().code; }
};

Parsed parse(std::string_view text, const HeadLimits& limits = {}) {
    Parsed parsed;
    parsed.bytes = text;
    std::size_t scanned = 0;
    parsed.result = parse_request_head(parsed.bytes, limits, parsed.head, scanned);
    return parsed;
}

// A byte at a time, until there is an answer.
Parsed drip(std::string_view text, const HeadLimits& limits = {}) {
    Parsed parsed;
    parsed.bytes = text;
    std::size_t scanned = 0;
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const std::string_view so_far = std::string_view(parsed.bytes).substr(0, size);
        parsed.result = parse_request_head(so_far, limits, parsed.head, scanned);
        if (!parsed.result || *parsed.result != 0) break;
    }
    return parsed;
}

std::string describe(const Parsed& parsed) {
    if (!parsed.result) {
        return std::string(name_of(parsed.code())) + ": " + parsed.result.error().context;
    }
    if (*parsed.result == 0) return "incomplete";
    const RequestHead& head = parsed.head;
    std::string text = std::to_string(*parsed.result);
    for (const std::string_view part :
         {head.method_name, head.target, head.scheme, head.authority, head.path, head.query}) {
        text.append("|").append(part);
    }
    for (const int value :
         {static_cast<int>(head.method), static_cast<int>(head.version), static_cast<int>(head.body),
          int{head.has_query}, int{head.keep_alive}, int{head.expects_continue}, int{head.wants_upgrade}}) {
        text.append("|").append(std::to_string(value));
    }
    text.append("|").append(std::to_string(head.content_length));
    for (const Field& field : head.headers) {
        text.append("\n").append(field.name).append("=").append(field.value);
        text.append(std::to_string(static_cast<int>(field.id)));
    }
    return text;
}

// Every implementation that this machine has, whole and in drops, says the same. Returns it.
Parsed parse_everywhere(std::string_view text, const HeadLimits& limits = {}) {
    REQUIRE(select_simd(Simd::Scalar));
    Parsed expected = parse(text, limits);
    const std::string description = describe(expected);
    for (const Simd simd : {Simd::Scalar, Simd::Sse42, Simd::Avx2}) {
        if (!select_simd(simd)) continue;
        INFO("simd " << static_cast<int>(simd) << " of " << text);
        CHECK(describe(parse(text, limits)) == description);
        CHECK(describe(drip(text, limits)) == description);
    }
    REQUIRE(select_simd(Simd::Auto));
    return expected;
}

}  // namespace

TEST_CASE("h1_request: an ordinary request", "[http][h1]") {
    const Parsed parsed = parse_everywhere(
        "GET /a/b%20c?x=1&y HTTP/1.1\r\n"
        "Host: www.example.com:8080\r\n"
        "User-Agent: \t test \xe4 \t \r\n"
        "X-Empty:\r\n"
        "accept:*/*\r\n"
        "\r\nGET /next");
    const RequestHead& head = parsed.head;
    REQUIRE(parsed.result);
    CHECK(parsed.bytes.substr(*parsed.result) == "GET /next");
    CHECK(head.method == Method::Get);
    CHECK(head.method_name == "GET");
    CHECK(head.version == Version::Http11);
    CHECK(head.target == "/a/b%20c?x=1&y");
    CHECK(head.path == "/a/b%20c");
    CHECK(head.query == "x=1&y");
    CHECK(head.has_query);
    CHECK(head.authority == "www.example.com:8080");
    CHECK(head.scheme.empty());
    CHECK(head.body == BodyKind::None);
    CHECK(head.keep_alive);
    CHECK_FALSE(head.expects_continue);
    CHECK_FALSE(head.wants_upgrade);
    REQUIRE(head.headers.size() == 4);
    CHECK(head.headers.value(HeaderId::UserAgent) == "test \xe4");
    CHECK(head.headers.find("x-empty")->value.empty());
    CHECK(head.headers.value(HeaderId::Accept) == "*/*");
}

TEST_CASE("h1_request: forms of the target", "[http][h1]") {
    struct Row {
        const char* line;
        const char* scheme;
        const char* authority;
        const char* path;
        const char* query;
        bool has_query;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1", "", "h", "/", "", false},
        {"GET /? HTTP/1.1", "", "h", "/", "", true},
        {"GET /a??b HTTP/1.1", "", "h", "/a", "?b", true},
        {"GET //x/y HTTP/1.1", "", "h", "//x/y", "", false},
        {"GET http://other:81 HTTP/1.1", "http", "other:81", "/", "", false},
        {"GET HTTPS://other/p/q?r HTTP/1.1", "HTTPS", "other", "/p/q", "r", true},
        {"GET http://[::1]?r HTTP/1.1", "http", "[::1]", "/", "r", true},
        {"OPTIONS * HTTP/1.1", "", "h", "*", "", false},
        {"OPTIONS /x HTTP/1.1", "", "h", "/x", "", false},
        {"OPTIONS http://other HTTP/1.1", "http", "other", "*", "", false},
        {"OPTIONS http://other/ HTTP/1.1", "http", "other", "/", "", false},
        {"CONNECT other:443 HTTP/1.1", "", "other:443", "", "", false},
        {"CONNECT [::1]:443 HTTP/1.1", "", "[::1]:443", "", "", false},
        {"PROPFIND /\"<>\\^`{|} HTTP/1.1", "", "h", "/\"<>\\^`{|}", "", false},
    };
    for (const Row& row : rows) {
        INFO(row.line);
        const Parsed parsed = parse_everywhere(std::string(row.line) + "\r\nHost: h\r\n\r\n");
        REQUIRE(parsed.result);
        REQUIRE(*parsed.result > 0);
        CHECK(parsed.head.scheme == row.scheme);
        CHECK(parsed.head.authority == row.authority);
        CHECK(parsed.head.path == row.path);
        CHECK(parsed.head.query == row.query);
        CHECK(parsed.head.has_query == row.has_query);
    }
}

TEST_CASE("h1_request: refused request lines", "[http][h1]") {
    const std::string_view lines[] = {
        "GET /",
        "GET / ",
        "GET",
        " GET / HTTP/1.1",
        "\tGET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "G(T / HTTP/1.1",
        "G\xc3\xa4T / HTTP/1.1",
        "G\0T / HTTP/1.1"sv,
        ": / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /\x01 HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /\xc3\xa4 HTTP/1.1",
        "GET /\0 HTTP/1.1"sv,
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/1.10",
        "GET / HTTP/11.1",
        "GET / HTTP/1,1",
        "GET / HTTP/1.1x",
        "GET / HTTP/x.1",
        "GET / http/1.1",
        "GET / HTTPS/1.1",
        "GET / ICY/1.1",
        "GET / FTP",
        "GET * HTTP/1.1",
        "OPTIONS ** HTTP/1.1",
        "GET a HTTP/1.1",
        "GET a/b HTTP/1.1",
        "GET ?x HTTP/1.1",
        "GET http: HTTP/1.1",
        "GET http:/h/ HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http:///p HTTP/1.1",
        "GET http://u@h/p HTTP/1.1",
        "GET http://h:x/p HTTP/1.1",
        "GET http://h:99999/p HTTP/1.1",
        "GET http://a..b/p HTTP/1.1",
        "GET ftp://h/p HTTP/1.1",
        "GET ://h/p HTTP/1.1",
        "CONNECT h HTTP/1.1",
        "CONNECT h: HTTP/1.1",
        "CONNECT /h HTTP/1.1",
        "CONNECT h:1/p HTTP/1.1",
        "CONNECT http://h:1 HTTP/1.1",
        "CONNECT * HTTP/1.1",
    };
    for (const std::string_view line : lines) {
        INFO(line);
        const Parsed parsed = parse_everywhere(std::string(line) + "\r\nHost: h\r\n\r\n");
        CHECK(parsed.code() == Code::BadRequest);
    }
}

TEST_CASE("h1_request: other versions of HTTP are told so", "[http][h1]") {
    for (const char* version : {"HTTP/0.9", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9"}) {
        const Parsed parsed = parse_everywhere("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n");
        CHECK(parsed.code() == Code::VersionNotSupported);
        CHECK(parsed.head.method == Method::Get);
        CHECK(parsed.head.target == "/");
    }
    CHECK(parse_everywhere("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").code() == Code::VersionNotSupported);
}

TEST_CASE("h1_request: a higher minor version is read as HTTP/1.1 (RFC 9110 2.5)", "[http][h1]") {
    for (char minor = '2'; minor <= '9'; ++minor) {
        const std::string line = std::string("GET / HTTP/1.") + minor + "\r\n";
        const Parsed parsed = parse_everywhere(line + "Host: h\r\n\r\n");
        REQUIRE(parsed.result);
        CHECK(parsed.head.version == Version::Http11);
        CHECK(parsed.head.keep_alive);
        CHECK(parse_everywhere(line + "\r\n").code() == Code::BadRequest);  // Host is needed as in 1.1
    }
    for (const char* version : {"HTTP/1.", "HTTP/1./", "HTTP/1.:", "HTTP/1.10", "HTTP/1.2x", "HTTP/1.2 "}) {
        INFO(version);
        CHECK(parse_everywhere("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n").code() ==
              Code::BadRequest);
    }
}

TEST_CASE("h1_request: refused header lines", "[http][h1]") {
    const std::string_view fields[] = {
        "X: a\nb: c",                   // bare LF
        "X: a\rb: c",                   // bare CR
        "X: a\r",                       // CR CR LF
        "X: a\r\n folded",              // obs-fold
        "X: a\r\n\tfolded",             //
        " X: a",                        // white space before the first field
        "X : a",                        // space before the colon
        "X\t: a",                       //
        "X y: a",                       // white space in a name
        "X\x0b: a",                     //
        ": a",                          // no name
        "X",                            // no colon
        "X(y): a",                      // no token
        "X\xc3\xa4: a",                 //
        "X\0: a"sv,                     //
        "\0X: a"sv,                     //
        "X[: a",                        //
        "X: \0"sv,                      // control bytes in values
        "X: a\0b"sv,                    //
        "X: a\x01",                     //
        "X: a\x0b",                     //
        "X: a\x0c",                     //
        "X: \x1b[0m",                   //
        "X: a\x7f",                     //
        "X: a\n",                       //
        "\nX: a",                       //
        "\rX: a",                       //
        "Transfer-Encoding : chunked",  // a classic
        "Transfer-Encoding\r\n : chunked",
        "Content-Length\x0b: 5",
    };
    for (const std::string_view field : fields) {
        INFO(field);
        const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
        CHECK(parse_everywhere(head + std::string(field) + "\r\n\r\n").code() == Code::BadRequest);
        CHECK(parse_everywhere("GET / HTTP/1.1\r\n" + std::string(field) + "\r\nHost: h\r\n\r\n").code() ==
              Code::BadRequest);
    }
}

TEST_CASE("h1_request: line ends other than CRLF are refused everywhere", "[http][h1]") {
    const std::string_view heads[] = {
        "GET / HTTP/1.1\nHost: h\n\n",         "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",     "GET / HTTP/1.1\r\nHost: h\r\n\n",
        "GET / HTTP/1.1\rHost: h\r\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    };
    for (const std::string_view head : heads) CHECK(parse_everywhere(head).code() == Code::BadRequest);
}

TEST_CASE("h1_request: two empty lines before the request are skipped, a third is not", "[http][h1]") {
    const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    for (const char* before : {"\r\n", "\r\n\r\n"}) {
        const Parsed parsed = parse_everywhere(before + request);
        REQUIRE(parsed.result);
        CHECK(*parsed.result == request.size() + std::string_view(before).size());
    }
    CHECK(parse_everywhere("\r\n\r\n\r\n" + request).code() == Code::BadRequest);
}

TEST_CASE("h1_request: Host", "[http][h1]") {
    struct Row {
        const char* head;
        bool good;
        const char* authority;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\n", false, ""},
        {"GET / HTTP/1.0\r\n", true, ""},
        {"GET / HTTP/1.0\r\nHost: a\r\n", true, "a"},
        {"GET / HTTP/1.1\r\nHost:\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", false, ""},
        {"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a b\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a:b\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: ..\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: a\xc3\xa4\r\n", false, ""},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n", true, "[::1]:80"},
        {"GET / HTTP/1.1\r\nHost: ::1\r\n", false, ""},
        {"GET http://t/ HTTP/1.1\r\nHost: a\r\n", true, "t"},
        {"GET http://t/ HTTP/1.1\r\n", false, ""},
        {"GET http://t/ HTTP/1.0\r\n", true, "t"},
        {"GET http://t/ HTTP/1.1\r\nHost: a b\r\n", false, ""},
    };
    for (const Row& row : rows) {
        INFO(row.head);
        const Parsed parsed = parse_everywhere(std::string(row.head) + "\r\n");
        CHECK(parsed.result.has_value() == row.good);
        if (row.good) {
            CHECK(parsed.head.authority == row.authority);
        } else {
            CHECK(parsed.code() == Code::BadRequest);
        }
    }
}

TEST_CASE("h1_request: how the body is delimited", "[http][h1]") {
    struct Row {
        const char* fields;
        BodyKind body;
        std::uint64_t length;
    };
    const Row rows[] = {
        {"", BodyKind::None, 0},
        {"Content-Length: 0\r\n", BodyKind::Length, 0},
        {"Content-Length: 42\r\n", BodyKind::Length, 42},
        {"Content-Length: 00042\r\n", BodyKind::Length, 42},
        {"Content-Length: 9223372036854775807\r\n", BodyKind::Length, 9223372036854775807u},
        {"Transfer-Encoding: chunked\r\n", BodyKind::Chunked, 0},
        {"transfer-encoding:  Chunked \r\n", BodyKind::Chunked, 0},
    };
    for (const Row& row : rows) {
        INFO(row.fields);
        const Parsed parsed =
            parse_everywhere("POST / HTTP/1.1\r\nHost: h\r\n" + std::string(row.fields) + "\r\n");
        REQUIRE(parsed.result);
        CHECK(parsed.head.body == row.body);
        CHECK(parsed.head.content_length == row.length);
    }
}

TEST_CASE("h1_request: framing that could be read in two ways is refused", "[http][h1]") {
    struct Row {
        std::string_view fields;
        Code code;
    };
    const Row rows[] = {
        {"Content-Length: 5\r\nContent-Length: 5", Code::BadRequest},
        {"Content-Length: 5\r\ncontent-length: 6", Code::BadRequest},
        {"Content-Length: 5, 5", Code::BadRequest},
        {"Content-Length: 5,", Code::BadRequest},
        {"Content-Length:", Code::BadRequest},
        {"Content-Length: +5", Code::BadRequest},
        {"Content-Length: -5", Code::BadRequest},
        {"Content-Length: 0x5", Code::BadRequest},
        {"Content-Length: 5 5", Code::BadRequest},
        {"Content-Length: 5.0", Code::BadRequest},
        {"Content-Length: five", Code::BadRequest},
        {"Content-Length: \"5\"", Code::BadRequest},
        {"Content-Length: 9223372036854775808", Code::BadRequest},
        {"Content-Length: 18446744073709551616", Code::BadRequest},
        {"Content-Length: 18446744073709551621", Code::BadRequest},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked", Code::BadRequest},
        {"Transfer-Encoding: chunked\r\nContent-Length: 0", Code::BadRequest},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Code::BadRequest},
        {"Transfer-Encoding: chunked, chunked", Code::BadRequest},
        {"Transfer-Encoding: chunked, gzip", Code::BadRequest},
        {"Transfer-Encoding: chunked, identity", Code::BadRequest},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", Code::BadRequest},
        {"Transfer-Encoding:", Code::BadRequest},
        {"Transfer-Encoding: ,chunked", Code::BadRequest},
        {"Transfer-Encoding: chunked,", Code::BadRequest},
        {"Transfer-Encoding: \"chunked\"", Code::BadRequest},
        {"Transfer-Encoding: chunked;x=1", Code::BadRequest},
        {"Transfer-Encoding: chunked x", Code::BadRequest},
        {"Transfer-Encoding: \x0b"
         "chunked",
         Code::BadRequest},
        {"Transfer-Encoding: gzip", Code::NotImplemented},
        {"Transfer-Encoding: gzip, chunked", Code::NotImplemented},
        {"Transfer-Encoding: gzip;q=1, chunked", Code::NotImplemented},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", Code::NotImplemented},
        {"Transfer-Encoding: identity", Code::NotImplemented},
        {"Transfer-Encoding: xchunked", Code::NotImplemented},
        {"Transfer-Encoding: chunkedx", Code::NotImplemented},
    };
    for (const Row& row : rows) {
        INFO(row.fields);
        const std::string fields{row.fields};
        CHECK(parse_everywhere("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n\r\n").code() == row.code);
        CHECK(parse_everywhere("GET / HTTP/1.1\r\n" + fields + "\r\nHost: h\r\n\r\n").code() == row.code);
    }
    CHECK(parse_everywhere("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").code() ==
          Code::BadRequest);
}

TEST_CASE("h1_request: what the client wants of the connection", "[http][h1]") {
    struct Row {
        const char* version;
        const char* fields;
        bool keep_alive;
        bool expects_continue;
        bool wants_upgrade;
    };
    const Row rows[] = {
        {"1.1", "", true, false, false},
        {"1.0", "", false, false, false},
        {"1.1", "Connection: close\r\n", false, false, false},
        {"1.1", "Connection: foo, CLOSE\r\n", false, false, false},
        {"1.1", "Connection: foo\r\nConnection: close\r\n", false, false, false},
        {"1.1", "Connection: keep-alive, close\r\n", false, false, false},
        {"1.1", "Connection: closed\r\n", true, false, false},
        {"1.0", "Connection: Keep-Alive\r\n", true, false, false},
        {"1.0", "Connection: keep-alive\r\nConnection: close\r\n", false, false, false},
        {"1.1", "Expect: 100-Continue\r\n", true, true, false},
        {"1.0", "Expect: 100-continue\r\n", false, false, false},
        {"1.1", "Expect: foo, 100-Continue\r\n", true, true, false},
        {"1.1", "Expect: 100-continued\r\n", true, false, false},
        {"1.1", "Expect: 200-ok\r\n", true, false, false},
        {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true, false, true},
        {"1.1", "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n", true, false, true},
        {"1.1", "Connection: upgrade\r\n", true, false, false},
        {"1.1", "Upgrade: websocket\r\n", true, false, false},
        {"1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false, false, false},
    };
    for (const Row& row : rows) {
        INFO(row.version << " " << row.fields);
        const Parsed parsed = parse_everywhere("GET / HTTP/" + std::string(row.version) + "\r\nHost: h\r\n" +
                                               row.fields + "\r\n");
        REQUIRE(parsed.result);
        CHECK(parsed.head.keep_alive == row.keep_alive);
        CHECK(parsed.head.expects_continue == row.expects_continue);
        CHECK(parsed.head.wants_upgrade == row.wants_upgrade);
    }
}

TEST_CASE("h1_request: limits hold to the byte", "[http][h1]") {
    HeadLimits limits;
    limits.line_bytes = 40;
    limits.head_bytes = 100;
    limits.fields = 3;
    const auto with_line = [&](std::size_t bytes, std::string before) {
        const std::string fixed = "GET / HTTP/1.1";
        return parse_everywhere(
            before + "GET /" + std::string(bytes - fixed.size(), 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
            limits);
    };
    for (const char* before : {"", "\r\n", "\r\n\r\n"}) {
        CHECK(with_line(39, before).result);
        CHECK(with_line(40, before).result);
        CHECK(with_line(41, before).code() == Code::UriTooLong);
        CHECK(with_line(42, before).code() == Code::UriTooLong);
        CHECK(with_line(60, before).code() == Code::UriTooLong);
    }
    CHECK(parse_everywhere(std::string(200, 'A'), limits).code() == Code::UriTooLong);
    CHECK(parse_everywhere("GET /" + std::string(200, 'a'), limits).code() == Code::UriTooLong);
    CHECK(parse_everywhere("GET /" + std::string(2000, 'a'), limits).code() == Code::UriTooLong);

    const auto with_head = [&](std::size_t bytes) {
        const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
        return parse_everywhere(head + std::string(bytes - head.size() - 4, 'x') + "\r\n\r\n", limits);
    };
    CHECK(with_head(99).result);
    CHECK(with_head(100).result);
    CHECK(with_head(101).code() == Code::HeaderTooLarge);
    CHECK(with_head(300).code() == Code::HeaderTooLarge);

    const std::string three = "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n";
    CHECK(parse_everywhere(three + "\r\n", limits).result);
    CHECK(parse_everywhere(three + "C: 3\r\n\r\n", limits).code() == Code::HeaderTooLarge);
}

TEST_CASE("h1_request: every proper prefix of a head is incomplete", "[http][h1]") {
    const std::string text =
        "\r\nPOST /path?query HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\n";
    for (std::size_t size = 0; size < text.size(); ++size) {
        INFO(size);
        const Parsed parsed = parse_everywhere(std::string_view(text).substr(0, size));
        REQUIRE(parsed.result);
        CHECK(*parsed.result == 0);
    }
    CHECK(*parse_everywhere(text).result == text.size());
}

TEST_CASE("h1_request: a head of any alignment and length parses alike", "[http][h1]") {
    for (std::size_t size = 0; size < 100; ++size) {
        const std::string filler(size, 'f');
        const Parsed parsed = parse_everywhere("GET /" + filler + " HTTP/1.1\r\nHost: h\r\nX-" + filler +
                                               ": " + filler + "\r\n\r\n");
        REQUIRE(parsed.result);
        CHECK(parsed.head.headers.at(1).value == filler);
        for (const char bad : {'\0', '\x7f', '\n', '\r', '\x1f'}) {
            CHECK(parse_everywhere("GET /" + filler + bad + " HTTP/1.1\r\nHost: h\r\n\r\n").code() ==
                  Code::BadRequest);
            CHECK(parse_everywhere("GET / HTTP/1.1\r\nHost: h\r\nX" + filler + bad + ": y\r\n\r\n").code() ==
                  Code::BadRequest);
            CHECK(parse_everywhere("GET / HTTP/1.1\r\nHost: h\r\nX: " + filler + bad + "y\r\n\r\n").code() ==
                  Code::BadRequest);
        }
    }
}

TEST_CASE("h1_request: each byte is judged alike by every implementation", "[http][h1]") {
    for (int c = 0; c < 256; ++c) {
        // Far enough from the end that the wide loads see it.
        const std::string byte(1, static_cast<char>(c));
        const std::string tail = "\r\nHost: h\r\nX-Filler: 0123456789012345678901234567890123456789\r\n\r\n";
        parse_everywhere("G" + byte + "T / HTTP/1.1" + tail);
        parse_everywhere("GET /" + byte + " HTTP/1.1" + tail);
        parse_everywhere("GET / HTTP/1.1\r\nA" + byte + "b: c" + tail);
        parse_everywhere("GET / HTTP/1.1\r\nA: b" + byte + "c" + tail);
    }
}

TEST_CASE("h1_request: dripping rubbish is noticed before the limit", "[http][h1]") {
    // A binary protocol without line ends: refused when the input has doubled, not at 16 KiB.
    const Parsed parsed = drip("GE\x16" + std::string(1000, '\x01'));
    CHECK(parsed.code() == Code::BadRequest);
}
