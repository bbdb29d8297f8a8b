#include "core/http/uri.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

namespace {

std::string normal(std::string_view path, EncodedSlash encoded = EncodedSlash::Keep, bool merge = true) {
    Arena arena;
    const auto result = normalize_path(path, encoded, merge, arena);
    return result ? std::string(*result) : std::to_string(status_of(result.error()));
}

}  // namespace

TEST_CASE("uri: the normal form of a path", "[http]") {
    struct Row {
        std::string_view path;
        const char* expected;
    };
    const Row rows[] = {
        {"/", "/"},
        {"*", "*"},
        {"/a/b", "/a/b"},
        {"/a/b/", "/a/b/"},
        {"/%61%2D%7e", "/a-~"},
        {"/a%20b", "/a b"},
        {"/%C3%A4", "/\xc3\xa4"},
        {"/a%3Fb%23c", "/a?b#c"},
        {"/a%25b", "/a%b"},
        {"/%2541", "/%41"},
        {"//", "/"},
        {"//a///b//", "/a/b/"},
        {"/.", "/"},
        {"/./", "/"},
        {"/a/.", "/a/"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/b/..", "/a/"},
        {"/a/b/../c", "/a/c"},
        {"/a/../b/../c", "/c"},
        {"/a//../b", "/b"},
        {"/a/%2e%2E/b", "/b"},
        {"/a/.%2e/b", "/b"},
        {"/%2e/a", "/a"},
        {"/.well-known/x", "/.well-known/x"},
        {"/..a/...", "/..a/..."},
        {"/a.", "/a."},
        {"/a../b", "/a../b"},
        {"/..", "400"},
        {"/../a", "400"},
        {"/a/../../b", "400"},
        {"/a/../..", "400"},
        {"/%2e%2e/a", "400"},
        {"//..", "400"},
        {"/./..", "400"},
        {"", "400"},
        {"a", "400"},
        {"%2Fa", "400"},
        {"**", "400"},
        {"/%", "400"},
        {"/%4", "400"},
        {"/%4g", "400"},
        {"/%g4", "400"},
        {"/%%41", "400"},
        {"/%00", "400"},
        {"/%0a", "400"},
        {"/%1F", "400"},
        {"/%7f", "400"},
        {"/\x01", "400"},
        {"/\0"sv, "400"},
    };
    for (const Row& row : rows) {
        INFO(row.path);
        CHECK(normal(row.path) == row.expected);
    }
}

TEST_CASE("uri: encoded slashes are kept, refused or decoded", "[http]") {
    struct Row {
        const char* path;
        const char* keep;
        const char* reject;
        const char* decode;
    };
    const Row rows[] = {
        {"/a%2fb", "/a%2Fb", "400", "/a/b"},
        {"/a%5cb", "/a%5Cb", "400", "/a\\b"},
        {"/a\\b/%62", "/a%5Cb/b", "400", "/a\\b/b"},
        {"/a\\b", "/a%5Cb", "400", "/a\\b"},
        {"/a%2f..%2fb", "/a%2F..%2Fb", "400", "/b"},
        {"/a/..%2f..%2fb", "/a/..%2F..%2Fb", "400", "400"},
        {"/%2f%2fa", "/%2F%2Fa", "400", "/a"},
        {"/a%252fb", "/a%252fb", "/a%2fb", "/a%2fb"},
        {"/a%252Fb", "/a%252Fb", "/a%2Fb", "/a%2Fb"},
        {"/a%25%32%46b", "/a%252Fb", "/a%2Fb", "/a%2Fb"},
        {"/a%255cb", "/a%255cb", "/a%5cb", "/a%5cb"},
        {"/a%252", "/a%2", "/a%2", "/a%2"},
        {"/a%25252f", "/a%252f", "/a%252f", "/a%252f"},
    };
    for (const Row& row : rows) {
        INFO(row.path);
        CHECK(normal(row.path, EncodedSlash::Keep) == row.keep);
        CHECK(normal(row.path, EncodedSlash::Reject) == row.reject);
        CHECK(normal(row.path, EncodedSlash::Decode) == row.decode);
    }
}

TEST_CASE("uri: slashes stay where they are not merged", "[http]") {
    const auto apart = [](std::string_view path) { return normal(path, EncodedSlash::Keep, false); };
    CHECK(apart("//a///b//") == "//a///b//");
    CHECK(apart("/a//../b") == "/a/b");
    CHECK(apart("//..") == "/");
    CHECK(apart("/a//%62") == "/a//b");
    CHECK(apart("//../..") == "400");
}

TEST_CASE("uri: what is not normal is seen wherever it stands", "[http]") {
    for (std::size_t before = 0; before < 40; ++before) {
        for (const std::size_t after : {0u, 1u, 15u, 16u, 17u, 33u}) {
            const std::string front = "/" + std::string(before, 'f');
            const std::string back(after, 'b');
            INFO(before << " " << after);
            CHECK(normal(front + "%41" + back) == front + "A" + back);
            CHECK(normal(front + "//" + back) == front + (before == 0 ? "" : "/") + back);
            CHECK(normal(front + "/./" + back) == front + (before == 0 ? "" : "/") + back);
            CHECK(normal(front + "/.../" + back).size() ==
                  front.size() + back.size() + (before == 0 ? 4 : 5));
            CHECK(normal(front + "/../" + back) == (before == 0 ? "400" : "/" + back));
            CHECK(normal(front + "\x7f" + back) == "400");
            CHECK(normal(front + "\x1f" + back) == "400");
        }
    }
}

TEST_CASE("uri: a path in normal form is not copied", "[http]") {
    Arena arena;
    for (const std::string_view path : {"/"sv, "/a/b.html"sv, "/.well-known/a"sv, "/a/..b/c."sv}) {
        CHECK(normalize_path(path, EncodedSlash::Keep, true, arena)->data() == path.data());
    }
}

TEST_CASE("uri: authorities", "[http]") {
    struct Row {
        const char* text;
        const char* host;
        const char* port;
        bool is_ipv6;
    };
    const Row good[] = {
        {"example.com", "example.com", "", false},
        {"Example.COM:80", "Example.COM", "80", false},
        {"example.com.", "example.com.", "", false},
        {"a_b-c~d", "a_b-c~d", "", false},
        {"192.0.2.1:65535", "192.0.2.1", "65535", false},
        {"h:", "h", "", false},
        {"h:00080", "h", "00080", false},
        {"[::1]", "::1", "", true},
        {"[2001:db8::1]:443", "2001:db8::1", "443", true},
        {"[::ffff:192.0.2.1]", "::ffff:192.0.2.1", "", true},
    };
    for (const Row& row : good) {
        INFO(row.text);
        const auto authority = parse_authority(row.text);
        REQUIRE(authority);
        CHECK(authority->host == row.host);
        CHECK(authority->port == row.port);
        CHECK(authority->is_ipv6 == row.is_ipv6);
    }
    const std::string_view bad[] = {
        "",          ":80",       ".",         "..",      ".a",         "a..b",      "a b",      "a\tb",
        "a/b",       "a?b",       "a#b",       "a@b",     "u:p@b",      "a%20b",     "a%2fb",    "a\\b",
        "a[b",       "a]b",       "<a>",       "a\"b",    "a\0b"sv,     "\x7f",      "\xc3\xa4", "h:65536",
        "h:99999",   "h:000080",  "h:-1",      "h:+1",    "h:8a",       "h:80:80",   "::1",      "[",
        "[]",        "[::1",      "[::1]x",    "[::1]:x", "[::1%eth0]", "[1.2.3.4]", "[v1.a]",   "[:::1]",
        "[1::2::3]", "[12345::]", "[::1\0]"sv, "[g::1]",
    };
    for (const std::string_view text : bad) {
        INFO(text);
        CHECK_FALSE(parse_authority(text));
    }
    CHECK(parse_authority(std::string(255, 'a')));
    CHECK_FALSE(parse_authority(std::string(256, 'a')));
}

TEST_CASE("uri: values of a query", "[http]") {
    std::string_view value = "untouched";
    CHECK(query_value("a=1&b=2&a=3", "a", value));
    CHECK(value == "1");
    CHECK(query_value("a=1&b=2=%26", "b", value));
    CHECK(value == "2=%26");
    CHECK(query_value("a&b=", "a", value));
    CHECK(value.empty());
    CHECK(query_value("&&b=", "b", value));
    CHECK(value.empty());
    value = "untouched";
    for (const char* query : {"", "ab=1", "b=a", "A=1", "&", "=1"})
        CHECK_FALSE(query_value(query, "a", value));
    CHECK(value == "untouched");
}

TEST_CASE("uri: percent decoding", "[http]") {
    Arena arena;
    CHECK(percent_decode("a+b%20c%2B", true, arena) == "a b c+");
    CHECK(percent_decode("a+b%20c", false, arena) == "a+b c");
    CHECK(percent_decode("%", true, arena) == "%");
    CHECK(percent_decode("%4", true, arena) == "%4");
    CHECK(percent_decode("%zz%41%", true, arena) == "%zzA%");
    CHECK(percent_decode("%00", true, arena) == "\0"sv);
    const std::string_view plain = "plain";
    CHECK(percent_decode(plain, true, arena).data() == plain.data());
    CHECK(percent_decode("", true, arena).empty());
}

TEST_CASE("uri: percent encoding of a path", "[http]") {
    Arena arena;
    CHECK(percent_encode_path("/a b?c#d%e\xc3\xa4\n", arena) == "/a%20b%3Fc%23d%25e%C3%A4%0A");
    CHECK(percent_encode_path("/a-._~!$&'()*+,;=:@/", arena) == "/a-._~!$&'()*+,;=:@/");
    CHECK(percent_encode_path("/%2F", arena) == "/%252F");
    CHECK(percent_encode_path("/%2F%5c%252f%41%", arena, EncodedSlash::Keep) == "/%2F%5c%252f%2541%25");
}

TEST_CASE("uri: encoding a normal form and normalising it again changes nothing", "[http]") {
    for (const char* path :
         {"/a%2fb", "/a%252fb", "/a%25%32%46", "/a%25252f", "/%41 %25", "/a%3Fb", "/%c3%a4"}) {
        Arena arena;
        const auto once = normalize_path(path, EncodedSlash::Keep, true, arena);
        REQUIRE(once);
        const auto encoded = percent_encode_path(*once, arena, EncodedSlash::Keep);
        INFO(path << " " << *once << " " << encoded);
        const auto twice = normalize_path(encoded, EncodedSlash::Keep, true, arena);
        REQUIRE(twice);
        CHECK(*twice == *once);
    }
}
