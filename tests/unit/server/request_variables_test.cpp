#include "core/server/request_variables.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/server/request_fixture.hpp"

#include <cstdlib>
#include <ctime>

using namespace gantry;
using namespace gantry::server;

namespace {

std::string_view value_of(TestRequest& request, VariableId id, std::string_view argument = "") {
    Variable variable;
    variable.id = id;
    variable.argument = argument;
    if (id == VariableId::Header) variable.header = http::header_id(argument);
    return request_variable(variable, request.head, "/normal", request.arena);
}

}  // namespace

TEST_CASE("request_variables: what the head says", "[server][variable]") {
    TestRequest request("/a%20b?x=1&y=%20", "PURGE");
    request.with("User-Agent", "curl/8")
        .with("Referer", "http://r/")
        .with("X-Other", "o")
        .with("Cookie", "a=1; b=\"2\"");
    CHECK(value_of(request, VariableId::Path) == "/normal");
    CHECK(value_of(request, VariableId::Uri) == "/a%20b?x=1&y=%20");
    CHECK(value_of(request, VariableId::Query) == "x=1&y=%20");
    CHECK(value_of(request, VariableId::QueryValue, "y") == "%20");
    CHECK(value_of(request, VariableId::QueryValue, "z").empty());
    CHECK(value_of(request, VariableId::Header, "user-agent") == "curl/8");
    CHECK(value_of(request, VariableId::Header, "x-other") == "o");
    CHECK(value_of(request, VariableId::Header, "x-missing").empty());
    CHECK(value_of(request, VariableId::Cookie, "b") == "\"2\"");
    CHECK(value_of(request, VariableId::Cookie, "c").empty());
    CHECK(value_of(request, VariableId::Method) == "PURGE");
    CHECK(value_of(request, VariableId::Protocol) == "HTTP/1.1");
    CHECK(value_of(request, VariableId::UserAgent) == "curl/8");
    CHECK(value_of(request, VariableId::Referer) == "http://r/");
    Variable status;
    status.id = VariableId::Status;
    CHECK(request_variable(status, request.head, "/", request.arena).empty());
}

TEST_CASE("request_variables: the uri of an absolute form is path and query", "[server][variable]") {
    TestRequest request("/?q");
    request.head.target = "http://h?q";
    request.head.path = "/";
    CHECK(value_of(request, VariableId::Uri) == "/?q");
    TestRequest plain("/a");
    CHECK(value_of(plain, VariableId::Uri) == "/a");
    TestRequest empty("/a?");
    CHECK(value_of(empty, VariableId::Uri) == "/a?");
}

TEST_CASE("request_variables: the location's captures hide the host's", "[server][variable]") {
    const auto host_regex = Regex::compile("^(?<name>[a-z]+)\\.(?<zone>[a-z]+)$");
    const auto location_regex = Regex::compile("^/(?<name>[a-z]+)$");
    Arena arena;
    Captures host, location;
    REQUIRE(host_regex->match("shop.example", arena, host) == Matched::Yes);
    REQUIRE(location_regex->match("/cart", arena, location) == Matched::Yes);
    const auto named = [&](std::string_view name) {
        Variable variable;
        variable.id = VariableId::Capture;
        variable.argument = name;
        return capture_variable(variable, location, host);
    };
    const auto numbered = [&](std::uint8_t group) {
        Variable variable;
        variable.id = VariableId::Capture;
        variable.group = group;
        return capture_variable(variable, location, host);
    };
    CHECK(named("name") == "cart");
    CHECK(named("zone") == "example");
    CHECK(named("else").empty());
    CHECK(numbered(1) == "cart");
    CHECK(numbered(2) == "example");
    CHECK(numbered(9).empty());
}

TEST_CASE("request_variables: numbers and durations", "[server][variable]") {
    Arena arena;
    for (const std::uint64_t number : {0u, 9u, 10u, 99u, 100u, 101u, 999u, 1000u, 12'345u, 4294967295u})
        CHECK(decimal_text(number, arena) == std::to_string(number));
    CHECK(decimal_text(18446744073709551615u, arena) == "18446744073709551615");
    CHECK(seconds_text(0, arena) == "0.000000");
    CHECK(seconds_text(1'234'567'890, arena) == "1.234567");
    CHECK(seconds_text(-5, arena) == "0.000000");
    CHECK(seconds_text(INT64_MAX, arena) == "9223372036.854775");
}

TEST_CASE("request_variables: the time in both forms", "[server][variable]") {
    const char* const before = std::getenv("TZ");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("TZ", "XXX-5:30", 1);
    ::tzset();
    Arena arena;
    TimeText text;
    constexpr std::int64_t kSecond = 1'000'000'000;
    CHECK(text.iso(784'111'777 * kSecond + 7'000'000, arena) == "1994-11-06T08:49:37.007Z");
    CHECK(text.clf(784'111'777) == "06/Nov/1994:14:19:37 +0530");
    CHECK(text.iso(784'111'778 * kSecond + 999'999'999, arena) == "1994-11-06T08:49:38.999Z");
    ::setenv("TZ", "YYY3", 1);
    ::tzset();
    CHECK(text.clf(784'111'779) == "06/Nov/1994:05:49:39 -0300");
    before == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1);
    ::tzset();
}
