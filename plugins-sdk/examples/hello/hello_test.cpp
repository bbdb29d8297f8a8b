// The greeting without a server.
#include "gantry/fake_host.hpp"

static void test_greets() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"hello", "Hello, ${remote_addr}\n"}});
    GANTRY_CHECK(host.reload());
    const auto exchange = host.request({.target = "/any", .client = "2001:db8::7"});
    GANTRY_CHECK_EQUAL(exchange.status(), 200);
    GANTRY_CHECK_EQUAL(exchange.body(), "Hello, 2001:db8::7\n");
    GANTRY_CHECK_EQUAL(exchange.field("Content-Type").value_or("(none)"), "text/plain");
}

static void test_leaves_other_locations_alone() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/hello", {{"hello", "Hello"}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 404);
}

int main() {
    test_greets();
    test_leaves_other_locations_alone();
    return gantry::fake::result();
}
