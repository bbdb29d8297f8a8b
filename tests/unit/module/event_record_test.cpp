// How events are written down, and who wants which.
#include "core/module/event_record.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry::module;

TEST_CASE("types of events have a family and a name") {
    for (const char* type : {"container.started", "a.b", "host.tls.changed", "x-1.y_2"}) {
        INFO(type);
        CHECK(is_event_type(type));
    }
    CHECK(is_event_type("a." + std::string(126, 'x')));
    CHECK_FALSE(is_event_type("a." + std::string(127, 'x')));
    for (const char* type :
         {"", "container", ".", "a.", ".a", "a..b", "a.b.", "A.b", "1.b", "a b.c", "a.b\n", "a.*"}) {
        INFO(type);
        CHECK_FALSE(is_event_type(type));
    }
    CHECK(family_of("host.tls.changed") == "host");
}

TEST_CASE("an event is read as it was written") {
    const std::string bytes = encode({"a.b", "web 1", "docker", std::string_view("{\n\0}", 4)});
    const auto event = decode(bytes);
    REQUIRE(event);
    CHECK(event->type == "a.b");
    CHECK(event->subject == "web 1");
    CHECK(event->source == "docker");
    CHECK(event->data == std::string_view("{\n\0}", 4));
    for (std::size_t size = 0; size + 4 < bytes.size(); ++size) CHECK_FALSE(decode(bytes.substr(0, size)));
    CHECK_FALSE(decode("2\na.b\ns\nm\n"));
    CHECK_FALSE(decode("1\nab\ns\nm\n"));
    CHECK(decode("1\na.b\n\n\n"));
}

TEST_CASE("a list of types becomes families") {
    const auto families = parse_event_types(" container.*, host.changed,host.tls.added , container.started");
    REQUIRE(families);
    REQUIRE(families->size() == 2);
    CHECK((*families)[0].has("container.stopped"));
    CHECK((*families)[1].name == "host");
    CHECK((*families)[1].has("host.tls.added"));
    CHECK_FALSE((*families)[1].has("host.added"));
    const auto whole = parse_event_types("host.changed, host.*");
    REQUIRE(whole);
    CHECK(whole->front().has("host.added"));
    for (const char* list : {"", ",", "a.b,", "a.b c.d", "*", "a*", "a.*b", "a", ".*", "A.*"}) {
        INFO(list);
        CHECK_FALSE(parse_event_types(list));
    }
    CHECK(parse_event_types(std::string(126, 'x') + ".*"));
    CHECK_FALSE(parse_event_types(std::string(127, 'x') + ".*"));
}
