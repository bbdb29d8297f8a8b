// The tally without a server.
#include "gantry/fake_host.hpp"

namespace {

void test_counts() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.server({{"tally_every", 4}});
    host.location("/", {{"tally", true}});
    host.location("/quiet", {{"tally", false}});
    GANTRY_CHECK(host.reload());
    host.request("GET", "/missing");
    host.request("GET", "/quiet");
    host.answer_with(200, {}, {"here"});
    host.request("GET", "/");
    host.request("GET", "/");
    GANTRY_CHECK(!host.has_logged("tally"));
    host.request("GET", "/");
    GANTRY_CHECK(host.has_logged("answers=4 2xx=3 3xx=0 4xx=1 5xx=0 none=0"));
    GANTRY_CHECK_EQUAL(host.call("GET", "answers").body(),
                       R"({"answers": 4, "2xx": 3, "3xx": 0, "4xx": 1, "5xx": 0, "none": 0})");
}

void test_counts_on_after_a_reload() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.server({{"tally", true}, {"tally_every", 2}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());
    host.request("GET", "/");
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.instances(), 1u);
    host.request("GET", "/");
    GANTRY_CHECK(host.has_logged("answers=2"));
}

// The load fails after prepare(): what was prepared is retired, and the old instance counts on.
void test_a_failed_load_takes_nothing() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.server({{"tally", true}, {"tally_every", 2}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());
    host.request("GET", "/");
    host.server({{"tally", true}, {"tally_every", 0}});
    GANTRY_CHECK(!host.reload());
    host.request("GET", "/");
    GANTRY_CHECK(host.has_logged("answers=2"));
}

}  // namespace

int main() {
    test_counts();
    test_counts_on_after_a_reload();
    test_a_failed_load_takes_nothing();
    return gantry::fake::result();
}
