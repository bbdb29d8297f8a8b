#include "core/http/date.hpp"

#include "tests/support/catch.hpp"

#include <ctime>
#include <string>

using namespace gantry::http;

TEST_CASE("date: the three forms of the RFC", "[http]") {
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        INFO(text);
        REQUIRE(parse_date(text));
        CHECK(*parse_date(text) == 784111777);
    }
    CHECK(*parse_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
    CHECK(*parse_date("Fri, 31 Dec 1999 23:59:60 GMT") == 946684800);
    CHECK(*parse_date("Fri, 31 Dec 9999 23:59:59 GMT") == 253402300799);
    CHECK(*parse_date("Tue Feb 29 00:00:00 2000") == 951782400);
    CHECK(*parse_date("Tuesday, 01-Jan-69 00:00:00 GMT") == 3124224000);
    CHECK(*parse_date("Thursday, 01-Jan-70 00:00:00 GMT") == 0);
}

TEST_CASE("date: anything else is none", "[http]") {
    for (const char* text : {"",
                             "0",
                             "784111777",
                             "Sun, 06 Nov 1994 08:49:37",
                             "Sun, 06 Nov 1994 08:49:37 UTC",
                             "Sun, 06 Nov 1994 08:49:37 GMT ",
                             " Sun, 06 Nov 1994 08:49:37 GMT",
                             "sun, 06 Nov 1994 08:49:37 GMT",
                             "Sun, 6 Nov 1994 08:49:37 GMT",
                             "Sun, 06 nov 1994 08:49:37 GMT",
                             "Sun, 06 Nov 94 08:49:37 GMT",
                             "Sun, 31 Nov 1994 08:49:37 GMT",
                             "Sun, 00 Nov 1994 08:49:37 GMT",
                             "Sun, 29 Feb 1900 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:49:37 GMT",
                             "Sun, 06 Nov 1994 08:60:37 GMT",
                             "Sun, 06 Nov 1994 08:49:61 GMT",
                             "Sun, 06 Nov 1994 8:49:37 GMT",
                             "Sun,06 Nov 1994 08:49:37 GMT",
                             "Sunday, 06-Nov-1994 08:49:37 GMT",
                             "Sun, 06-Nov-94 08:49:37 GMT",
                             "Sun Nov 6 08:49:37 1994",
                             "Sun Nov 06 08:49:37 1994 GMT",
                             "Sun, 06 Nov -994 08:49:37 GMT",
                             "Xun, 06 Nov 1994 08:49:37 GMT"}) {
        INFO(text);
        CHECK_FALSE(parse_date(text));
    }
}

TEST_CASE("date: writes what the C library writes, and reads it back", "[http]") {
    // Steps of about 13 days and some hours from 1970 to 9999 meet every kind of year, month and weekday.
    for (std::int64_t seconds = 0; seconds < 253402300800; seconds += 1163617) {
        char text[kDateBytes];
        write_date(text, seconds);
        const std::time_t time = seconds;
        std::tm parts{};
        gmtime_r(&time, &parts);
        char expected[kDateBytes + 1];
        REQUIRE(std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts) == kDateBytes);
        if (std::string_view(text, kDateBytes) != expected) FAIL(expected);
        if (parse_date({text, kDateBytes}) != seconds) FAIL(expected);
    }
}
