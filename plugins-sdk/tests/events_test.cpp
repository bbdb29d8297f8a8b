// The events of the fake host, through a module that publishes and hears them.
#include "entry.hpp"
#include "hearer.hpp"

#include <chrono>
#include <string>

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Fixture {
    gantry::fake::Host host;

    Fixture() {
        test::heard.lines.clear();
        test::heard.waiting.clear();
        GANTRY_CHECK(
            host.load(test::entry<gantry::Handler<test::Mouth>, gantry::State<test::Ear>,
                                  gantry::Subscriber<test::Ear>, gantry::Subscriber<test::LateEar>>()));
        host.location("/", {{"hearer", true}});
        GANTRY_CHECK(host.reload());
    }
    std::string ask(const std::string& path) {
        const auto exchange = host.request("GET", path);
        host.run();
        GANTRY_CHECK(exchange.is_over());
        return exchange.body();
    }
    // What was heard since the last time.
    std::string heard() {
        host.run();
        return std::exchange(test::heard.lines, {});
    }
};

void test_those_who_want_it_are_told() {
    Fixture events;
    GANTRY_CHECK_EQUAL(events.ask("/publish/test.one/web-1/x"), "id=1");
    GANTRY_CHECK_EQUAL(
        events.heard(),
        "ear test.one web-1 the module x attempt=1\nlate test.one web-1 the module x attempt=1\n");
    GANTRY_CHECK_EQUAL(events.ask("/publish/test.two.more/web-1/x"), "id=2");
    GANTRY_CHECK_EQUAL(events.heard(), "ear test.two.more web-1 the module x attempt=1\n");
    GANTRY_CHECK_EQUAL(events.ask("/publish/other.one/web-1/x"), "id=3");
    events.host.publish("host.changed", "www.example.com");
    GANTRY_CHECK_EQUAL(events.heard(), "ear host.changed www.example.com gantry  attempt=1\n");
    GANTRY_CHECK_EQUAL(events.host.events().size(), std::size_t{4});
}

void test_types_that_are_none() {
    Fixture events;
    for (const char* type : {"test", "Test.one", "test.", ".one", "test..one", "1test.one", "te st.one"}) {
        GANTRY_CHECK_EQUAL(events.ask("/publish/" + std::string{type} + "/s/d"), "id=0");
    }
    GANTRY_CHECK(events.host.events().empty());
}

void test_what_fails_comes_again() {
    Fixture events;
    events.ask("/publish/test.two/s/second");
    GANTRY_CHECK_EQUAL(events.heard(), "ear test.two s the module second attempt=1\n");
    events.host.advance(milliseconds{999});
    GANTRY_CHECK_EQUAL(events.heard(), "");
    events.host.advance(milliseconds{1});
    GANTRY_CHECK_EQUAL(events.heard(), "ear test.two s the module second attempt=2\n");
    events.host.advance(seconds{1000});
    GANTRY_CHECK_EQUAL(events.heard(), "");
    events.host.publish("old.news", "s", "throw");
    GANTRY_CHECK_EQUAL(events.heard(), "late old.news s gantry throw attempt=1\n");
    events.host.advance(seconds{1});
    GANTRY_CHECK_EQUAL(events.heard(), "late old.news s gantry throw attempt=2\n");
    GANTRY_CHECK_EQUAL(events.host.dead_events().size(), std::size_t{1});
}

void test_what_waits_is_settled_or_fails() {
    Fixture events;
    events.ask("/publish/test.two/s/wait");
    events.heard();
    events.ask("/settle/done");
    events.host.advance(seconds{1000});
    GANTRY_CHECK_EQUAL(events.heard(), "");
    events.ask("/publish/test.two/s/wait");
    events.ask("/settle/failed");
    events.heard();
    events.host.advance(seconds{1});
    GANTRY_CHECK_EQUAL(events.heard(), "ear test.two s the module wait attempt=2\n");
    events.host.publish("old.news", "s", "never");
    events.heard();
    events.host.advance(seconds{2} + milliseconds{100});
    GANTRY_CHECK_EQUAL(events.heard(), "late old.news s gantry never attempt=2\n");
}

void test_a_reload_takes_them_over() {
    Fixture events;
    events.ask("/publish/test.two/s/fail");
    GANTRY_CHECK(events.host.reload());
    GANTRY_CHECK_EQUAL(events.host.instances(), std::size_t{1});
    events.heard();
    events.host.advance(seconds{1});
    GANTRY_CHECK_EQUAL(events.heard(), "ear test.two s the module fail attempt=2\n");
}

struct NoType : test::LateEar {
    static constexpr gantry::Subscription subscription{.name = "none", .types = "container"};
};
struct Twice : test::LateEar {
    static constexpr gantry::Subscription subscription{.name = "ear", .types = "container.*"};
};
template <class T>
void check_refused() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(
        test::entry<gantry::State<test::Ear>, gantry::Subscriber<test::Ear>, gantry::Subscriber<T>>()));
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors().size(), std::size_t{1});
}

}  // namespace

int main() {
    test_those_who_want_it_are_told();
    test_types_that_are_none();
    test_what_fails_comes_again();
    test_what_waits_is_settled_or_fails();
    test_a_reload_takes_them_over();
    check_refused<NoType>();
    check_refused<Twice>();
    return gantry::fake::result();
}
