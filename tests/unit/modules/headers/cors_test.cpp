#include "modules/headers/cors.hpp"

#include "tests/support/catch.hpp"

using namespace headers;

namespace {

Cors made(const CorsSettings& settings) {
    Problems problems;
    Cors cors = Cors::make(settings, problems);
    REQUIRE(problems.empty());
    return cors;
}

CorsSettings of(std::vector<std::string> origins) {
    CorsSettings settings;
    settings.origins = std::move(origins);
    settings.methods = {"GET", "PUT"};
    return settings;
}

std::string problem_of(const CorsSettings& settings) {
    Problems problems;
    Cors::make(settings, problems);
    return problems.empty()
               ? ""
               : std::string(problems[0].key) + ": " + problems[0].message + "; " + problems[0].hint;
}

bool allows(std::string_view pattern, std::string_view origin) {
    REQUIRE(Origins::fault_of(pattern).empty());
    Origins origins;
    origins.add(pattern);
    return origins.allow(origin);
}

}  // namespace

TEST_CASE("cors: an exact origin is compared byte by byte", "[modules][headers]") {
    CHECK(allows("https://a.example", "https://a.example"));
    for (const char* other :
         {"http://a.example", "https://a.example:8443", "https://A.example", "https://a.example/",
          "https://xa.example", "https://a.example.evil", "a.example", "", "null"}) {
        CAPTURE(other);
        CHECK_FALSE(allows("https://a.example", other));
    }
    CHECK(allows("https://a.example:8443", "https://a.example:8443"));
    CHECK(allows("http://[::1]:3000", "http://[::1]:3000"));
    CHECK(allows("capacitor://localhost", "capacitor://localhost"));
    CHECK(allows("null", "null"));
}

TEST_CASE("cors: a pattern stands for hosts below", "[modules][headers]") {
    const char* pattern = "https://*.example.com";
    CHECK(allows(pattern, "https://a.example.com"));
    CHECK(allows(pattern, "https://a.b.example.com"));
    for (const char* other :
         {"https://example.com", "https://.example.com", "http://a.example.com", "https://a.example.com:8443",
          "https://evilexample.com", "https://evil.com/.example.com", "https://evil.com?.example.com",
          "https://evil.com#.example.com", "https://u@a.example.com", "https://evil.com:1.example.com",
          "https://a..example.com", "https://A.example.com", "https://*.example.com",
          "https://a.example.com.evil.com"}) {
        CAPTURE(other);
        CHECK_FALSE(allows(pattern, other));
    }
    CHECK(allows("http://*.example.com:8080", "http://a.example.com:8080"));
    CHECK_FALSE(allows(pattern, "https://" + std::string(600, 'a') + ".example.com"));
}

TEST_CASE("cors: many origins", "[modules][headers]") {
    Origins origins;
    for (int i = 0; i < 100; ++i) origins.add("https://h" + std::to_string(i) + ".example");
    origins.add("https://h7.example");
    for (int i = 0; i < 100; ++i) CHECK(origins.allow("https://h" + std::to_string(i) + ".example"));
    CHECK_FALSE(origins.allow("https://h100.example"));
}

TEST_CASE("cors: what is no origin is refused with a reason", "[modules][headers]") {
    CHECK(Origins::fault_of("example.com").find("no scheme") != std::string::npos);
    CHECK(Origins::fault_of("https://example.com/").find("write https://example.com") != std::string::npos);
    CHECK(Origins::fault_of("https://Example.com").find("https://example.com") != std::string::npos);
    CHECK(Origins::fault_of("https://a.*.com").find("star") != std::string::npos);
    CHECK(Origins::fault_of("https://*").find("star") != std::string::npos);
    CHECK(Origins::fault_of("https://example.com:443").find("port") != std::string::npos);
    CHECK(Origins::fault_of("http://example.com:80").find("port") != std::string::npos);
    for (const char* wrong : {"https://", "https://a b", "https://a:x", "https://a:123456", "://a",
                              "https://[::1", "https://a,b", "https://a\"b", "https://.a"}) {
        CAPTURE(wrong);
        CHECK_FALSE(Origins::fault_of(wrong).empty());
    }
}

TEST_CASE("cors: a request of an allowed origin", "[modules][headers]") {
    CorsSettings settings = of({"https://a.example"});
    settings.credentials = true;
    settings.expose = {"X-One", "X-Two"};
    const Cors cors = made(settings);
    const CorsAnswer answer = cors.answer({"GET", "https://a.example", "", false});
    CHECK(answer.origin == "https://a.example");
    CHECK(answer.credentials == "true");
    CHECK(answer.expose == "X-One, X-Two");
    CHECK(answer.vary == "Origin");
    CHECK(answer.methods.empty());
    CHECK(answer.max_age.empty());
}

TEST_CASE("cors: others are told nothing, and caches that it depends", "[modules][headers]") {
    for (const char* origin : {"https://evil.example", ""}) {
        const Cors cors = made(of({"https://a.example"}));
        const CorsAnswer answer = cors.answer({"GET", origin, "", false});
        CHECK(answer.origin.empty());
        CHECK(answer.credentials.empty());
        CHECK(answer.expose.empty());
        CHECK(answer.vary == "Origin");
    }
}

TEST_CASE("cors: all origins get one answer, which depends on none", "[modules][headers]") {
    const Cors cors = made(of({"*"}));
    for (const char* origin : {"https://any.example", ""}) {
        const CorsAnswer answer = cors.answer({"GET", origin, "", false});
        CHECK(answer.origin == "*");
        CHECK(answer.credentials.empty());
        CHECK(answer.vary.empty());
    }
}

TEST_CASE("cors: a preflight", "[modules][headers]") {
    CorsSettings settings = of({"https://a.example"});
    settings.headers = {"Content-Type", "X-Token"};
    settings.max_age = std::chrono::seconds{600};
    settings.private_network = true;
    const Cors cors = made(settings);
    const CorsAnswer answer = cors.answer({"OPTIONS", "https://a.example", "PUT", true});
    CHECK(answer.origin == "https://a.example");
    CHECK(answer.methods == "GET, PUT");
    CHECK(answer.headers == "Content-Type, X-Token");
    CHECK(answer.max_age == "600");
    CHECK(answer.private_network == "true");
    CHECK(answer.expose.empty());
    CHECK(answer.vary == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    CHECK(cors.answer({"OPTIONS", "https://a.example", "PUT", false}).private_network.empty());

    const CorsAnswer refused = cors.answer({"OPTIONS", "https://evil.example", "PUT", true});
    CHECK(refused.origin.empty());
    CHECK(refused.methods.empty());
    CHECK(refused.private_network.empty());
    CHECK(refused.vary == answer.vary);
    const Cors without = made(of({"https://a.example"}));
    CHECK(without.answer({"OPTIONS", "https://a.example", "PUT", true}).private_network.empty());
}

TEST_CASE("cors: what a preflight is", "[modules][headers]") {
    CHECK(CorsRequest{"OPTIONS", "https://a", "PUT", false}.is_preflight());
    CHECK_FALSE(CorsRequest{"OPTIONS", "https://a", "", false}.is_preflight());
    CHECK_FALSE(CorsRequest{"OPTIONS", "", "PUT", false}.is_preflight());
    CHECK_FALSE(CorsRequest{"GET", "https://a", "PUT", false}.is_preflight());
}

TEST_CASE("cors: what is not safe, or means nothing, is refused", "[modules][headers]") {
    CorsSettings settings = of({"*"});
    settings.credentials = true;
    CHECK(problem_of(settings).find("origins: with credentials every site") == 0);
    settings = of({"null"});
    CHECK(problem_of(settings).empty());
    settings.credentials = true;
    CHECK(problem_of(settings).find("origins: any site can make pages") == 0);
    CHECK(problem_of(of({"*", "https://a.example"})).find("origins: \"*\" allows all") == 0);
    CHECK(problem_of(of({"a.example"})).find("origins: \"a.example\" is no origin") == 0);
    settings = of({"https://a.example"});
    settings.methods = {"patch"};
    CHECK(problem_of(settings).find("methods: \"patch\" is not PATCH") == 0);
    settings.methods = {"TRACE"};
    CHECK(problem_of(settings).find("methods: no page may use TRACE") == 0);
    settings.methods = {"A B"};
    CHECK(problem_of(settings).find("methods: \"A B\" is no method") == 0);
    settings.methods = {"*"};
    CHECK(problem_of(settings).empty());
    settings.headers = {"X Y"};
    CHECK(problem_of(settings).find("headers: \"X Y\" is no name") == 0);
    settings.headers = {};
    settings.credentials = true;
    CHECK(problem_of(settings).find("methods: with credentials a star") == 0);
    settings.methods = {"GET"};
    settings.headers = {"*"};
    CHECK(problem_of(settings).find("headers: with credentials a star") == 0);
    settings.headers = {};
    settings.expose = {"*"};
    CHECK(problem_of(settings).find("expose: with credentials a star") == 0);
}
