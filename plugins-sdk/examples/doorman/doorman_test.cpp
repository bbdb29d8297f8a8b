// The doorman without a server: what the service answers is the test's.
#include "gantry/fake_host.hpp"

#include <string>

namespace {

constexpr const char* kUrl = "http://127.0.0.1:9000/check";

void prepare(gantry::fake::Host& host, bool fails_open = false) {
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"doorman", gantry::fake::table({{"url", kUrl}, {"fail_open", fails_open}})}});
    GANTRY_CHECK(host.reload());
    host.answer_with(200, {}, {"inside"});
}

void test_lets_in_and_says_who_it_is() {
    gantry::fake::Host host;
    prepare(host);
    host.answer_to("GET", kUrl, {.status = 204, .fields = {{"X-User", "ada"}}});
    const auto exchange =
        host.request("GET", "/a?b", {{"Cookie", "c=1"}, {"X-User", "root"}, {"Accept", "*/*"}});
    GANTRY_CHECK(exchange.is_asleep());
    host.run();
    GANTRY_CHECK_EQUAL(exchange.body(), "inside");
    const gantry::fake::Asked& asked = host.asked().at(0);
    GANTRY_CHECK_EQUAL(asked.field("Cookie"), "c=1");
    GANTRY_CHECK_EQUAL(asked.field("Accept"), "");
    GANTRY_CHECK_EQUAL(asked.field("X-User"), "");
    GANTRY_CHECK_EQUAL(asked.field("X-Original-Method"), "GET");
    GANTRY_CHECK_EQUAL(asked.field("X-Original-URI"), "/a?b");
}

void test_passes_a_refusal_on() {
    gantry::fake::Host host;
    prepare(host);
    host.answer_to("GET", kUrl, {.status = 401, .fields = {{"WWW-Authenticate", "Basic"}}, .body = {"who?"}});
    const auto exchange = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 401);
    GANTRY_CHECK_EQUAL(exchange.body(), "who?");
    GANTRY_CHECK_EQUAL(exchange.field("WWW-Authenticate").value_or(""), "Basic");
}

void test_nobody_passes_while_the_service_fails() {
    gantry::fake::Host host;
    prepare(host);
    const auto unreached = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(unreached.status(), 502);
    host.answer_to("GET", kUrl, {.status = 500});
    const auto broken = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(broken.status(), 502);
    host.answer_to("GET", kUrl, {.end = GANTRY_FETCH_TIMED_OUT, .reason = "late"});
    const auto late = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(late.status(), 502);
    GANTRY_CHECK_EQUAL(late.reason(), "late");
}

void test_everybody_passes_where_that_is_wanted() {
    gantry::fake::Host host;
    prepare(host, true);
    const auto exchange = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(exchange.body(), "inside");
    host.answer_to("GET", kUrl, {.status = 403});
    const auto refused = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(refused.status(), 403);
}

void test_clients_leave() {
    gantry::fake::Host host;
    prepare(host);
    host.answer_to("GET", kUrl, {.hangs = true});
    auto exchange = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(host.fetches(), 1u);
    exchange.leave();
    GANTRY_CHECK_EQUAL(host.fetches(), 0u);
}

void test_a_url_is_one() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"doorman", "127.0.0.1:9000"}});
    GANTRY_CHECK(!host.reload());
}

}  // namespace

int main() {
    test_lets_in_and_says_who_it_is();
    test_passes_a_refusal_on();
    test_nobody_passes_while_the_service_fails();
    test_everybody_passes_where_that_is_wanted();
    test_clients_leave();
    test_a_url_is_one();
    return gantry::fake::result();
}
