#include "modules/compress/rules.hpp"

#include "tests/support/catch.hpp"

using namespace compression;

namespace {

const Types kTypes{{"text/*", "*+json", "application/json"}};

Response page() {
    Response response;
    response.content_type = "text/html; charset=utf-8";
    response.size = 5000;
    return response;
}

Asker visitor() {
    Asker asker;
    asker.has_cookie = true;
    asker.host = "www.example.com";
    return asker;
}

}  // namespace

TEST_CASE("rules: types", "[modules][compress]") {
    for (const char* type :
         {"text/html", "TEXT/css", "text/plain; charset=x", "application/json", "application/ld+JSON"}) {
        CAPTURE(type);
        CHECK(kTypes.contain(type));
    }
    for (const char* type :
         {"", "text/", "image/png", "application/jsonx", "xtext/html", "application/+jsonx", "+json"}) {
        CAPTURE(type);
        CHECK_FALSE(kTypes.contain(type));
    }
    for (const char* good : {"text/*", "*+xml", "a/b", "application/vnd.ms-fontobject"})
        CHECK(Types::is_pattern(good));
    for (const char* wrong : {"", "*", "*/*", "text", "text/", "/html", "text/html; q=1", "te xt/html"}) {
        CAPTURE(wrong);
        CHECK_FALSE(Types::is_pattern(wrong));
    }
}

TEST_CASE("rules: never twice, and nothing that others rely on", "[modules][compress]") {
    CHECK(is_compressible(page(), kTypes));
    for (const int status : {204, 205, 206, 304, 101}) {
        Response response = page();
        response.status = status;
        CAPTURE(status);
        CHECK_FALSE(is_compressible(response, kTypes));
    }
    Response response = page();
    response.status = 404;
    CHECK(is_compressible(response, kTypes));
    response = page();
    response.content_encoding = "gzip";
    CHECK_FALSE(is_compressible(response, kTypes));
    response.content_encoding = "identity";
    CHECK(is_compressible(response, kTypes));
    response = page();
    response.cache_control = "max-age=60, No-Transform";
    CHECK_FALSE(is_compressible(response, kTypes));
    response = page();
    response.has_content_range = true;
    CHECK_FALSE(is_compressible(response, kTypes));
    response = page();
    response.size = 0;
    CHECK_FALSE(is_compressible(response, kTypes));
    response = page();
    response.content_type = {};
    CHECK_FALSE(is_compressible(response, kTypes));
}

TEST_CASE("rules: what other sites may learn from sizes", "[modules][compress]") {
    Asker asker = visitor();
    asker.site = "cross-site";
    CHECK(is_attackable(asker, ""));
    CHECK(is_attackable(asker, "private"));
    CHECK_FALSE(is_attackable(asker, "public, max-age=60"));
    asker.has_cookie = false;
    CHECK_FALSE(is_attackable(asker, ""));
    asker.authorization = "Basic dTpw";
    CHECK(is_attackable(asker, ""));
    asker.authorization = "Bearer token";
    CHECK_FALSE(is_attackable(asker, ""));
}

TEST_CASE("rules: a visitor's own requests", "[modules][compress]") {
    for (const char* site : {"same-origin", "same-site", "none"}) {
        Asker asker = visitor();
        asker.site = site;
        CHECK_FALSE(is_attackable(asker, ""));
    }
    Asker asker = visitor();
    asker.site = "cross-site";
    asker.user = "?1";
    CHECK_FALSE(is_attackable(asker, ""));
}

TEST_CASE("rules: browsers that do not say whose request it is", "[modules][compress]") {
    Asker asker = visitor();
    CHECK(is_attackable(asker, ""));
    asker.referer = "https://www.example.com/page";
    CHECK_FALSE(is_attackable(asker, ""));
    asker.referer = "https://evil.example/www.example.com";
    CHECK(is_attackable(asker, ""));
    asker.referer = "https://www.example.com/page";
    asker.origin = "null";
    CHECK(is_attackable(asker, ""));
    asker.origin = "https://WWW.example.com:8443";
    CHECK_FALSE(is_attackable(asker, ""));
}

TEST_CASE("rules: the host of a URL", "[modules][compress]") {
    CHECK(host_of("https://a.example/x") == "a.example");
    CHECK(host_of("https://a.example:80?x") == "a.example");
    CHECK(host_of("http://[::1]:80/") == "[::1]");
    CHECK(host_of("https://a.example@evil.example/").empty());
    CHECK(host_of("https://evil.example\\@a.example/") == "evil.example");
    CHECK(host_of("null").empty());
    CHECK(host_of("http://[::1").empty());
}

TEST_CASE("rules: a tag that the client has in its weak form", "[modules][compress]") {
    CHECK(has_weak_form("W/\"a\"", "\"a\""));
    CHECK(has_weak_form("\"b\", W/\"a\"", "\"a\""));
    CHECK_FALSE(has_weak_form("W/\"a\", \"a\"", "\"a\""));
    CHECK_FALSE(has_weak_form("\"a\"", "\"a\""));
    CHECK_FALSE(has_weak_form("W/\"a\"", "W/\"a\""));
    CHECK_FALSE(has_weak_form("*", "\"a\""));
    CHECK_FALSE(has_weak_form("", ""));
}
