#include "core/server/syslog.hpp"

#include "tests/support/catch.hpp"

using namespace gantry::server;

TEST_CASE("syslog: the head of a message", "[server][syslog]") {
    CHECK(syslog_head(1'795'262'400'123'000'000, "box", 4711) ==
          "<190>1 2026-11-21T12:00:00.123Z box gantry 4711 access - ");
}

TEST_CASE("syslog: what is one, and what can be reached", "[server][syslog]") {
    CHECK(is_syslog_name("syslog:/dev/log"));
    CHECK(is_syslog_name("udp://192.0.2.1:514"));
    CHECK_FALSE(is_syslog_name("/var/log/syslog"));
    int error = 0;
    CHECK_FALSE(open_syslog("syslog:/nowhere/at/all", error));
    CHECK(error != 0);
    CHECK_FALSE(open_syslog("syslog:/" + std::string(200, 'x'), error));
    CHECK_FALSE(open_syslog("udp://192.0.2.1", error));
    CHECK(open_syslog("udp://[::1]:514", error).get() + open_syslog("udp://127.0.0.1:514", error).get() > 0);
}
