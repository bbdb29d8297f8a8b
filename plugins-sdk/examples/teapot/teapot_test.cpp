// The teapot without a server.
#include "gantry/fake_host.hpp"

static void test_answers() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/tea", {{"teapot", "short and stout"}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());

    const auto exchange = host.request("GET", "/tea/pot");
    GANTRY_CHECK_EQUAL(exchange.status(), 418);
    GANTRY_CHECK_EQUAL(exchange.body(), "short and stout\n");
    GANTRY_CHECK_EQUAL(exchange.field("content-type").value_or("(none)"), "text/plain");
    GANTRY_CHECK(exchange.is_over());

    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 404);
}

static void test_refuses_to_say_nothing() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/tea", {{"teapot", ""}});
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors().size(), 1u);
    GANTRY_CHECK_EQUAL(host.errors()[0].message, "teapot has no text");
    GANTRY_CHECK_EQUAL(host.instances(), 0u);
}

int main() {
    test_answers();
    test_refuses_to_say_nothing();
    return gantry::fake::result();
}
