// The shout without a server: an origin of the test's own sends what is to be shouted.
#include "gantry/fake_host.hpp"

#include <string>

namespace {

// The fake host runs one module, and this one only filters: the page of an error is a body like any other.
void test_shouts_texts() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"shout", true}});
    GANTRY_CHECK(host.reload());
    host.answer_with(200, {{"Content-Type", "text/plain"}, {"ETag", "\"1\""}}, {"Hello, ", "w\xc3\xb6rld 1"});
    const auto exchange = host.request("GET", "/");
    GANTRY_CHECK_EQUAL(exchange.body(), "HELLO, W\xc3\xb6RLD 1");
    GANTRY_CHECK(!exchange.field("ETag"));
    GANTRY_CHECK(!exchange.announced_size());
}

void test_long_bodies_come_whole() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.server({{"shout", true}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());
    host.answer_with(200, {{"Content-Type", "text/html"}}, {std::string(10'000, 'a')});
    GANTRY_CHECK(host.request("GET", "/").body() == std::string(10'000, 'A'));
}

void test_leaves_the_rest_alone() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"shout", true}});
    host.location("/quiet", {{"shout", false}});
    GANTRY_CHECK(host.reload());
    host.answer_with(200, {{"Content-Type", "image/png"}}, {"abc"});
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "abc");
    GANTRY_CHECK_EQUAL(host.request("GET", "/").announced_size().value_or(0), 3u);
    host.answer_with(200, {{"Content-Type", "text/plain"}}, {"abc"});
    GANTRY_CHECK_EQUAL(host.request("GET", "/quiet").body(), "abc");
    host.answer_with(200, {{"Content-Type", "text/plain"}, {"Content-Encoding", "gzip"}}, {"abc"});
    GANTRY_CHECK_EQUAL(host.request("GET", "/").body(), "abc");
}

}  // namespace

int main() {
    test_shouts_texts();
    test_long_bodies_come_whole();
    test_leaves_the_rest_alone();
    return gantry::fake::result();
}
