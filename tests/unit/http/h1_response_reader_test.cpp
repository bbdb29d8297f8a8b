// A peer's bytes taken apart, one event at a time.
#include "core/http/h1_response.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::http;

using Event = H1ResponseReader::Event;
using Upgrade = H1ResponseReader::Upgrade;

namespace {

struct Reading {
    Arena arena;
    IncomingResponse response{arena};
    H1ResponseReader reader;
    std::vector<Event> events;
    std::string body;
    std::size_t consumed = 0;
    bool failed = false;
    Error error{};

    explicit Reading(std::string_view input, Method method = Method::Get,
                     Upgrade upgrade = Upgrade::Refused) {
        reader.start(method, upgrade, HeadLimits{});
        for (;;) {
            const auto step = reader.feed(input.substr(consumed), response);
            if (!step) {
                failed = true;
                error = step.error();
                return;
            }
            consumed += step->consumed;
            body += step->data;
            events.push_back(step->event);
            if (step->event == Event::NeedMore || step->event == Event::End) return;
        }
    }
};

}  // namespace

TEST_CASE("h1_response_reader: head and body of one read are told in order", "[http]") {
    Reading reading("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiGET");
    CHECK(reading.events == std::vector{Event::Head, Event::Body, Event::End});
    CHECK(reading.body == "hi");
    CHECK(reading.consumed == 40);
    CHECK_FALSE(reading.reader.needs_close());
}

TEST_CASE("h1_response_reader: a body of length 0 ends with its head", "[http]") {
    Reading reading("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(reading.events == std::vector{Event::Head, Event::End});
}

TEST_CASE("h1_response_reader: trailers are looked at in the call that saw the last chunk", "[http]") {
    Reading reading("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n");
    CHECK(reading.events == std::vector{Event::Head, Event::Body, Event::End});
    CHECK(reading.response.trailers.size() == 1);
}

TEST_CASE("h1_response_reader: interim heads are counted, and too many are an error", "[http]") {
    std::string text;
    for (int i = 0; i < 3; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
    CHECK(Reading(text).events ==
          std::vector{Event::Interim, Event::Interim, Event::Interim, Event::NeedMore});
    for (int i = 0; i < 40; ++i) text += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(Reading(text).failed);
}

TEST_CASE("h1_response_reader: 101 is raw when it was asked for, an error otherwise", "[http]") {
    const std::string_view text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x01\x02";
    Reading wanted(text, Method::Get, Upgrade::Wanted);
    CHECK(wanted.events == std::vector{Event::Head, Event::Body, Event::NeedMore});
    CHECK(wanted.reader.is_raw());
    CHECK(wanted.body == "\x01\x02");
    const auto end = wanted.reader.feed_end(false);
    REQUIRE(end.has_value());
    CHECK(end->event == Event::End);
    CHECK(Reading(text).error.code == Code::BadResponse);
}

TEST_CASE("h1_response_reader: the end of the connection ends only a body without framing", "[http]") {
    Reading open("HTTP/1.1 200 OK\r\n\r\nabc");
    CHECK(open.reader.needs_close());
    CHECK(open.reader.feed_end(false).has_value());

    Reading nothing("");
    const auto closed = nothing.reader.feed_end(false);
    REQUIRE_FALSE(closed.has_value());
    CHECK(closed.error().retry == Retry::OnlyIfReused);

    for (const std::string_view text :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200", "HTTP/1.1 103 X\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"}) {
        Reading partial(text);
        const auto end = partial.reader.feed_end(partial.consumed < text.size());
        REQUIRE_FALSE(end.has_value());
        CHECK(end.error().code == Code::Closed);
        CHECK(end.error().retry == Retry::No);
    }
}
