// The counter without a server, and without a file.
#include "gantry/fake_host.hpp"

#include <chrono>

namespace {

using namespace std::chrono_literals;

void load(gantry::fake::Host& host) {
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"visits", true}});
    GANTRY_CHECK(host.reload());
}

void test_visitors_are_counted_and_remembered() {
    gantry::fake::Host host;
    load(host);
    for (const char* body : {"visitor 1\n", "visitor 2\n"}) {
        const auto exchange = host.request("GET", "/tea");
        host.run();
        GANTRY_CHECK_EQUAL(exchange.body(), body);
    }
    GANTRY_CHECK(host.has_logged("visit path=/tea"));
}

void test_nobody_is_counted_without_a_store() {
    gantry::fake::Host host;
    load(host);
    host.break_store();
    const auto exchange = host.request("GET", "/tea");
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 503);
    GANTRY_CHECK(host.events().empty());
}

void test_what_the_store_does_not_take_comes_again() {
    gantry::fake::Host host;
    load(host);
    host.publish("visit.made", "/tea");
    host.break_store();
    host.run();
    GANTRY_CHECK(!host.has_logged("visit path="));
    host.break_store(false);
    host.advance(1s);
    host.run();
    GANTRY_CHECK(host.has_logged("visit path=/tea"));
}

}  // namespace

int main() {
    test_visitors_are_counted_and_remembered();
    test_nobody_is_counted_without_a_store();
    test_what_the_store_does_not_take_comes_again();
    return gantry::fake::result();
}
