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

void test_visitors_are_counted_and_written_down() {
    gantry::fake::Host host;
    load(host);
    for (const char* body : {"visitor 1\n", "visitor 2\n"}) {
        const auto exchange = host.request("GET", "/tea");
        host.run();
        GANTRY_CHECK_EQUAL(exchange.body(), body);
    }
    GANTRY_CHECK(!host.has_logged("visit path=/tea"));
    host.advance(100ms);
    host.run();
    GANTRY_CHECK(host.has_logged("visit path=/tea"));
}

void test_nobody_is_counted_without_a_store() {
    gantry::fake::Host host;
    load(host);
    host.break_store();
    const auto exchange = host.request("GET", "/tea");
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 503);
    host.break_store(false);
    host.advance(100ms);
    host.run();
    GANTRY_CHECK(!host.has_logged("visit path="));
}

}  // namespace

int main() {
    test_visitors_are_counted_and_written_down();
    test_nobody_is_counted_without_a_store();
    return gantry::fake::result();
}
