#include "core/server/where.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

using namespace gantry::server;

namespace {

RecentRequest sample() {
    RecentRequest request;
    request.status = 503;
    request.upstream_status = 503;
    request.method = "GET";
    request.host = "shop.example.com";
    request.path = "/api/cart";
    request.client = "192.0.2.7";
    request.protocol = "HTTP/1.1";
    request.peer = "127.0.0.1:3000";
    request.error = "connect failed";
    request.bytes_sent = 1500;
    request.duration_nanos = 250'000'000;
    request.first_byte_nanos = 1'500'000;
    return request;
}

bool fits(std::string_view text) {
    const auto where = Where::compile(text);
    INFO(text);
    REQUIRE(where);
    return where->fits(sample());
}

WhereError mistake(std::string_view text) {
    const auto where = Where::compile(text);
    INFO(text);
    REQUIRE_FALSE(where);
    CHECK_FALSE(where.error().hint.empty());
    return where.error();
}

}  // namespace

TEST_CASE("where: nothing asked, everything fits", "[server][where]") {
    CHECK(fits(""));
    CHECK(fits("  \t"));
}

TEST_CASE("where: comparisons", "[server][where]") {
    CHECK(fits("status == 503"));
    CHECK(fits("status>=500&&host==\"shop.example.com\""));
    CHECK_FALSE(fits("status < 500"));
    CHECK_FALSE(fits("status != 503"));
    CHECK(fits("status > 502"));
    CHECK(fits("status <= 503"));
    CHECK(fits("bytes_sent == 1500"));
    CHECK(fits("host == 'SHOP.example.com'"));
    CHECK_FALSE(fits("path == \"/API/cart\""));
    CHECK(fits("path ~ \"^/api/\""));
    CHECK(fits("path !~ \"\\.png$\""));
    CHECK(fits("error ~ 'connect'"));
    CHECK(fits("scheme == \"http\" && protocol == \"HTTP/1.1\" && upstream ~ \":3000$\""));
    CHECK(fits("client != \"192.0.2.8\""));
}

TEST_CASE("where: times", "[server][where]") {
    CHECK(fits("duration == 250ms"));
    CHECK(fits("duration == 0.25"));
    CHECK(fits("duration == 0.25s"));
    CHECK(fits("duration < 1m"));
    CHECK(fits("upstream_first_byte_time == 1.5ms"));
    CHECK(fits("upstream_first_byte_time == 1500us"));
    CHECK_FALSE(fits("duration > 1"));
    // There was none: only "something else" is true of it.
    CHECK_FALSE(fits("handler_time < 5s"));
    CHECK_FALSE(fits("handler_time >= 0s"));
    CHECK(fits("handler_time != 1s"));
    CHECK(fits("duration != 9999999m"));
}

TEST_CASE("where: and binds closer than or, not closest", "[server][where]") {
    CHECK(fits("status == 503 || status == 1 && status == 2"));
    CHECK_FALSE(fits("(status == 503 || status == 1) && status == 2"));
    CHECK(fits("!status == 2 && !(status == 1 || status == 2)"));
    CHECK(fits("!!status == 503"));
}

TEST_CASE("where: mistakes have a place and a remedy", "[server][where]") {
    CHECK(mistake("statsu == 3").offset == 0);
    CHECK(mistake("statsu == 3").message == "there is no field \"statsu\"");
    CHECK(mistake("status 3").offset == 7);
    CHECK(mistake("status = 3").offset == 7);
    CHECK(mistake("status == ").offset == 10);
    CHECK(mistake("status == \"503\"").offset == 10);
    CHECK(mistake("status == 5xx").offset == 10);
    CHECK(mistake("host == shop").offset == 8);
    CHECK(mistake("host == \"shop").offset == 8);
    CHECK(mistake("host < \"a\"").offset == 5);
    CHECK(mistake("status ~ \"5..\"").offset == 7);
    CHECK(mistake("path ~ \"(\"").offset == 7);
    CHECK(mistake("status == 1 status == 2").offset == 12);
    CHECK(mistake("(status == 1").offset == 1);
    CHECK(mistake("status == 1 &&").offset == 14);
    CHECK(mistake("duration > 5d").offset == 11);
    CHECK(mistake("duration > 99999999999").offset == 11);
    CHECK(mistake(std::string(2000, ' ')).offset == Where::kMaxText);
    CHECK(mistake(std::string(40, '(') + "status == 1").message == "the condition is nested too deeply");
    CHECK(mistake(std::string(40, '!') + "status == 1").message == "the condition is nested too deeply");
}
