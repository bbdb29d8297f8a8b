#include "core/server/access_log_format.hpp"

#include "core/server/log_writer.hpp"
#include "core/server/secrets.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/server/source_fixture.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <memory>

using namespace gantry;
using namespace gantry::server;

static_assert(AccessLogFormat::kMaxLine <= LogBuffer::kMaxLine);

namespace {

std::string line_of(std::string_view format, const TestSource& source) {
    auto compiled = AccessLogFormat::compile(format);
    INFO(format);
    REQUIRE(compiled);
    Arena arena;
    // Exactly the room that is promised, so that the address sanitizer sees one byte more.
    const std::unique_ptr<char[]> room(new char[AccessLogFormat::kMaxLine]);
    const std::size_t size = compiled->write(source, arena, room.get());
    REQUIRE(size <= AccessLogFormat::kMaxLine);
    REQUIRE(size > 0);
    CHECK(room[size - 1] == '\n');
    return {room.get(), size - 1};
}

TestSource ordinary() {
    TestSource source;
    source.set(VariableId::RemoteAddr, "192.0.2.1");
    source.set(VariableId::TimeLocal, "06/Nov/1994:08:49:37 +0000");
    source.set(VariableId::Time, "1994-11-06T08:49:37.000Z");
    source.set(VariableId::Method, "GET");
    source.set(VariableId::Scheme, "https");
    source.set(VariableId::Host, "example.com");
    source.set(VariableId::Uri, "/a?b=1");
    source.set(VariableId::Protocol, "HTTP/1.1");
    source.set(VariableId::Status, "200");
    source.set(VariableId::BodyBytes, "1234");
    source.set(VariableId::BytesReceived, "90");
    source.set(VariableId::BytesSent, "1500");
    source.set(VariableId::Duration, "0.012");
    source.set(VariableId::RequestId, "0123456789abcdef0123456789abcdef");
    source.set(VariableId::UserAgent, "curl/8");
    return source;
}

// A small reader of JSON objects of strings, numbers and null: no more than a log line may be.
bool is_json_object(std::string_view text) {
    std::size_t at = 0;
    const auto take = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };
    const auto string = [&] {
        if (!take('"')) return false;
        while (at < text.size() && text[at] != '"') {
            if (static_cast<unsigned char>(text[at]) < 0x20) return false;
            if (text[at] == '\\') {
                ++at;
                if (at >= text.size() ||
                    std::string_view("\"\\/bfnrtu").find(text[at]) == std::string_view::npos)
                    return false;
                if (text[at] == 'u') {
                    for (int i = 0; i < 4; ++i) {
                        if (++at >= text.size() || std::isxdigit(static_cast<unsigned char>(text[at])) == 0)
                            return false;
                    }
                }
            }
            ++at;
        }
        return take('"');
    };
    if (!take('{')) return false;
    do {
        if (!string() || !take(':')) return false;
        if (at < text.size() && text[at] == '"') {
            if (!string()) return false;
        } else if (text.substr(at).starts_with("null")) {
            at += 4;
        } else {
            const std::size_t begin = at;
            while (at < text.size() &&
                   (std::isdigit(static_cast<unsigned char>(text[at])) != 0 || text[at] == '.'))
                ++at;
            if (at == begin) return false;
        }
    } while (take(','));
    return take('}') && at == text.size();
}

}  // namespace

TEST_CASE("access_log: the combined format", "[server][access_log]") {
    CHECK(line_of("combined", ordinary()) ==
          "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=1 HTTP/1.1\" 200 1234 \"-\" \"curl/8\"");
}

TEST_CASE("access_log: the json format", "[server][access_log]") {
    TestSource source = ordinary();
    const std::string line = line_of("json", source);
    CHECK(line ==
          "{\"time\":\"1994-11-06T08:49:37.000Z\",\"remote_addr\":\"192.0.2.1\",\"method\":\"GET\","
          "\"scheme\":\"https\",\"host\":\"example.com\",\"uri\":\"/a?b=1\",\"protocol\":\"HTTP/1.1\","
          "\"status\":200,\"bytes_received\":90,\"bytes_sent\":1500,\"body_bytes\":1234,\"duration\":0.012,"
          "\"request_id\":\"0123456789abcdef0123456789abcdef\",\"user_agent\":\"curl/8\"}");
    CHECK(is_json_object(line));
    source.set(VariableId::UpstreamStatus, "502");
    source.set(VariableId::UpstreamResponseTime, "-");
    source.set(VariableId::Error, "connect failed: \"x\"");
    const std::string failed = line_of("json", source);
    CHECK(failed.find("\"upstream_status\":502") != std::string::npos);
    CHECK(failed.find("upstream_response_time") == std::string::npos);
    CHECK(failed.find("\"error\":\"connect failed: \\\"x\\\"\"") != std::string::npos);
    CHECK(is_json_object(failed));
    CHECK(is_json_object(line_of("json", TestSource())));
}

TEST_CASE("access_log: a template of one's own", "[server][access_log]") {
    TestSource source = ordinary();
    source.set(VariableId::Header, "v\"1\"", "x-version");
    CHECK(line_of("${host} ${header.X-Version} $$5 ${upstream.addr}", source) ==
          "example.com v\\x221\\x22 $5 -");
    CHECK(line_of("{\"v\":\"${header.x-version}\",\"u\":\"${upstream.addr}\"}", source) ==
          "{\"v\":\"v\\\"1\\\"\",\"u\":\"\"}");
    CHECK_FALSE(AccessLogFormat::compile("${hots}"));
    CHECK_FALSE(AccessLogFormat::compile("a\nb"));
    CHECK_FALSE(AccessLogFormat::compile(std::string(5000, 'x')));
    CHECK(AccessLogFormat::compile("${nothing").error().offset == 0);
}

TEST_CASE("access_log: masking can know more names, or be off", "[server][access_log]") {
    TestSource source = ordinary();
    source.set(VariableId::Uri, "/a?code=one&x=1&token=two&C%6fde=three");
    source.set(VariableId::Header, "four", "x-session");
    source.set(VariableId::Header, "five", "authorization");
    source.set(VariableId::Cookie, "six", "sid");
    source.set(VariableId::QueryValue, "one", "code");
    const auto line = [&](AccessLogFormat::Masking masking) {
        const auto format = AccessLogFormat::compile(
            "${uri} ${header.X-Session} ${header.authorization} ${cookie.sid} ${query.code}", {}, masking);
        REQUIRE(format);
        Arena arena;
        std::string out(AccessLogFormat::kMaxLine, ' ');
        out.resize(format->write(source, arena, out.data()) - 1);
        return out;
    };
    CHECK(line({}) == "/a?code=one&x=1&token=***&C%6fde=three four *** *** one");
    CHECK(line({true, {"code", "x-session"}}) == "/a?code=***&x=1&token=***&C%6fde=*** *** *** *** ***");
    CHECK(line({false, {}}) == "/a?code=one&x=1&token=two&C%6fde=three four five six one");
}

TEST_CASE("access_log: a line cannot be forged", "[server][access_log]") {
    TestSource source = ordinary();
    source.set(VariableId::UserAgent, std::string_view("a\"\\\r\n\0\x1b[31m\x7f\xc3\xa9", 14));
    CHECK(line_of("${user_agent}", source) == "a\\x22\\x5c\\x0d\\x0a\\x00\\x1b[31m\\x7f\\xc3\\xa9");
    CHECK(line_of("{${user_agent}", source) == "{a\\\"\\\\\\r\\n\\u0000\\u001b[31m\x7f\xc3\xa9");
}

TEST_CASE("access_log: every byte is escaped at every place", "[server][access_log]") {
    for (std::size_t at = 0; at < 20; ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text(20, 'x');
            text[at] = static_cast<char>(byte);
            TestSource source;
            source.set(VariableId::UserAgent, text);
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(byte));
            const bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
            const std::string expected =
                text.substr(0, at) + (is_plain ? text.substr(at, 1) : escaped) + text.substr(at + 1);
            const std::string line = line_of("${user_agent}", source);
            if (line != expected) REQUIRE(line == expected);
            const bool is_json_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            REQUIRE((line_of("{${user_agent}", source).substr(1) == text) == is_json_plain);
        }
    }
}

TEST_CASE("access_log: json replaces what is no UTF-8", "[server][access_log]") {
    const auto json = [](std::string_view bytes) {
        TestSource source;
        source.set(VariableId::UserAgent, bytes);
        return line_of("{${user_agent}", source).substr(1);
    };
    const std::string bad = "\xef\xbf\xbd";
    CHECK(json("\xe2\x82\xac\xf0\x9f\x98\x80") == "\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(json("\xff") == bad);
    CHECK(json("\xc3") == bad);
    CHECK(json("\xc0\xaf") == bad + bad);            // overlong
    CHECK(json("\xe0\x80\x80") == bad + bad + bad);  // overlong
    CHECK(json("\xed\xa0\x80") == bad + bad + bad);  // surrogate
    CHECK(json("\xf4\x90\x80\x80") == bad + bad + bad + bad);
    CHECK(json("\xe2\x82z") == bad + bad + "z");
}

TEST_CASE("access_log: credentials are masked", "[server][access_log]") {
    TestSource source;
    const auto field = [&](std::string_view name) {
        source.set(VariableId::Header, "s3cr3t", std::string(name));
        return line_of("${header." + std::string(name) + "}", source);
    };
    for (const char* name : {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token",
                             "x-amz-security-token", "x-client-secret"}) {
        INFO(name);
        CHECK(field(name) == "***");
    }
    CHECK(field("x-version") == "s3cr3t");
    CHECK(line_of("${header.authorization2} ${header.accept}", source) == "- -");
    source.set(VariableId::ResponseHeader, "sid=s3cr3t", "set-cookie");
    source.set(VariableId::Cookie, "s3cr3t", "sid");
    CHECK(line_of("${sent.set-cookie} ${cookie.sid} ${cookie.absent}", source) == "*** *** -");

    source.set(VariableId::Uri, "/p?a=1&access_token=s3cr3t&b=2&Api-Key=s3cr3t&%74oken=s3cr3t&key=&password");
    source.set(VariableId::Query, "key=s3cr3t&monkey=banana&a=key");
    source.set(VariableId::Referer, "https://x/?code=1&sig=s3cr3t");
    source.set(VariableId::QueryValue, "s3cr3t", "token");
    const std::string line = line_of("${uri} ${query} ${referer} ${query.token}", source);
    CHECK(line ==
          "/p?a=1&access_token=***&b=2&Api-Key=***&%74oken=***&key=&password "
          "key=***&monkey=banana&a=key https://x/?code=1&sig=*** ***");
    CHECK(line_of("json", source).find("s3cr3t") == std::string::npos);
    CHECK(line_of("combined", source).find("s3cr3t") == std::string::npos);
    source.set(VariableId::ResponseHeader, "/cb?token=s3cr3t", "location");
    CHECK(line_of("${sent.location}", source) == "/cb?token=***");
}

TEST_CASE("secrets: names that mean a credential", "[server][access_log]") {
    for (const char* name :
         {"token", "ACCESS_TOKEN", "refresh-token", "password", "user[passwd]", "client_secret", "key",
          "api_key", "apikey", "X-Amz-Signature", "X-Amz-Credential", "sig", "jwt", "%61pi%5Fkey"}) {
        INFO(name);
        CHECK(is_secret_parameter(name));
    }
    for (const char* name :
         {"", "k", "keyword", "page", "q", "monkey", "author", "signal", "passage", "%", "%7"}) {
        INFO(name);
        CHECK_FALSE(is_secret_parameter(name));
    }
}

TEST_CASE("secrets: a target for the error log", "[server][access_log]") {
    Arena arena;
    const std::string_view clean = "/a?b=1&page=2&key=";
    CHECK(masked_uri(clean, arena).data() == clean.data());
    CHECK(masked_uri("", arena).empty());
    CHECK(masked_uri("/?", arena) == "/?");
    CHECK(masked_uri("/?token=s", arena) == "/?token=***");
    CHECK(masked_uri("/p?a=1&token=s&b=2&&api_key=s&x", arena) == "/p?a=1&token=***&b=2&&api_key=***&x");
    CHECK(masked_uri("/p?token=a=b?c", arena) == "/p?token=***");
}

TEST_CASE("access_log: an endless value is cut, the line stays whole", "[server][access_log]") {
    const std::string ascii(100'000, 'u');
    const std::string control(100'000, '\x01');
    std::string euro;
    while (euro.size() < 99'000) euro += "\xe2\x82\xac";
    std::string query = "/?";
    while (query.size() < 99'000) query += "token=x&a=\"&";
    for (const std::string* value :
         std::initializer_list<const std::string*>{&ascii, &control, &euro, &query}) {
        TestSource source = ordinary();
        for (const VariableId id : {VariableId::Uri, VariableId::UserAgent, VariableId::Status,
                                    VariableId::Error, VariableId::UpstreamStatus})
            source.set(id, *value);
        CHECK(is_json_object(line_of("json", source)));
        CHECK(line_of("combined", source).ends_with('"'));
        CHECK(line_of("{\"a\":\"${uri}\",\"b\":\"${host}\"}", source).ends_with("\"}"));
        CHECK(is_json_object(line_of("{\"a\":\"${uri}\",\"b\":\"${host}\"}", source)));
    }
    // At every length around the limit.
    for (std::size_t size = AccessLogFormat::kMaxLine - 700; size < AccessLogFormat::kMaxLine; ++size) {
        TestSource source = ordinary();
        const std::string uri = std::string(size, 'u');
        source.set(VariableId::Uri, uri);
        source.set(VariableId::UpstreamStatus, "200");
        source.set(VariableId::Error, "e\n");
        REQUIRE(is_json_object(line_of("json", source)));
    }
}
