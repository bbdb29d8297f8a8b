// The store of the fake host, through a module that speaks to it.
#include "entry.hpp"
#include "keeper.hpp"

#include <chrono>
#include <string>

namespace {

using std::chrono::milliseconds;

struct Fixture {
    gantry::fake::Host host;

    Fixture() {
        GANTRY_CHECK(host.load(test::entry<gantry::Handler<test::Keeper>, gantry::State<test::Loads>>()));
        host.location("/", {{"keeper", true}});
        GANTRY_CHECK(host.reload());
    }
    std::string ask(const std::string& path) {
        const auto exchange = host.request("GET", path);
        host.run();
        GANTRY_CHECK(exchange.is_over());
        return exchange.body();
    }
};

void test_values() {
    Fixture store;
    GANTRY_CHECK_EQUAL(store.ask("/get/a"), "absent");
    GANTRY_CHECK_EQUAL(store.ask("/put/a/one"), "stored version=1");
    GANTRY_CHECK_EQUAL(store.ask("/get/a"), "stored version=1\na=one version=1");
    GANTRY_CHECK_EQUAL(store.ask("/put/a/two/0/0"), "conflict version=1");
    GANTRY_CHECK_EQUAL(store.ask("/put/a/two/0/1"), "stored version=2");
    GANTRY_CHECK_EQUAL(store.ask("/put/ab/three/50"), "stored version=3");
    GANTRY_CHECK_EQUAL(store.ask("/list/a"), "stored\na=two version=2\nab=three version=3");
    GANTRY_CHECK_EQUAL(store.ask("/list/a/a"), "stored\nab=three version=3");
    store.host.advance(milliseconds{50});
    GANTRY_CHECK_EQUAL(store.ask("/get/ab"), "absent");
    GANTRY_CHECK_EQUAL(store.ask("/erase/a/1"), "conflict version=2");
    GANTRY_CHECK_EQUAL(store.ask("/erase/a"), "stored count=1");
    GANTRY_CHECK_EQUAL(store.ask("/erase/a"), "absent");
    GANTRY_CHECK_EQUAL(store.ask("/get/" + std::string(513, 'x')), "unavailable");
}

void test_counters() {
    Fixture store;
    GANTRY_CHECK_EQUAL(store.ask("/add/c/2/1000"), "stored count=2");
    GANTRY_CHECK_EQUAL(store.ask("/add/c/3/1000"), "stored count=5");
    store.host.advance(milliseconds{1000});
    GANTRY_CHECK_EQUAL(store.ask("/add/c/1/1000"), "stored count=1 previous=5");
    store.host.advance(milliseconds{2000});
    GANTRY_CHECK_EQUAL(store.ask("/add/c/0/1000"), "stored");
}

void test_streams() {
    Fixture store;
    GANTRY_CHECK_EQUAL(store.ask("/append/s/one"), "stored id=1");
    GANTRY_CHECK_EQUAL(store.ask("/append/s/two"), "stored id=2");
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/1/1000/2"), "stored\n=one id=1 attempts=1");
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/9/1000/2"), "stored\n=two id=2 attempts=1");
    GANTRY_CHECK_EQUAL(store.ask("/done/s/g/2"), "stored count=1");
    GANTRY_CHECK_EQUAL(store.ask("/again/s/g/1/10"), "stored count=1");
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/9/1000/2"), "stored");
    store.host.advance(milliseconds{10});
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/9/1000/2"), "stored\n=one id=1 attempts=2");
    store.host.advance(milliseconds{1000});
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/9/1000/2"), "stored");
    GANTRY_CHECK_EQUAL(store.ask("/dead/s/g"), "stored\n=one id=1 attempts=2");
    GANTRY_CHECK_EQUAL(store.ask("/again/s/g/1"), "stored count=1");
    GANTRY_CHECK_EQUAL(store.ask("/dead/s/g"), "stored");
    GANTRY_CHECK_EQUAL(store.ask("/claim/s/g/9/1000/2"), "stored\n=one id=1 attempts=1");
    GANTRY_CHECK_EQUAL(store.ask("/again/s/g/7"), "absent");
    GANTRY_CHECK_EQUAL(store.ask("/read/s/1"), "stored\n=two id=2");
    GANTRY_CHECK_EQUAL(store.ask("/append/s/three/1"), "stored id=3");
    GANTRY_CHECK_EQUAL(store.ask("/read/s"), "stored\n=three id=3");
}

void test_beside_the_traffic() {
    Fixture store;
    test::loads = 0;
    store.host.run();
    GANTRY_CHECK_EQUAL(test::loads.load(), 1);
    GANTRY_CHECK(store.host.reload());
    store.host.run();
    GANTRY_CHECK_EQUAL(test::loads.load(), 2);
    store.host.break_store();
    GANTRY_CHECK(store.host.reload());
    store.host.run();
    GANTRY_CHECK_EQUAL(test::loads.load(), -1);
    GANTRY_CHECK_EQUAL(store.ask("/get/a"), "unavailable");
}

// What is on the heap of a coroutine that answers after it has waited is its own until it ends.
void test_an_answer_of_a_coroutine_that_goes_on() {
    Fixture store;
    const std::string name(300, 'k');
    GANTRY_CHECK_EQUAL(store.ask("/put/" + name + "/one"), "stored version=1");
    GANTRY_CHECK_EQUAL(store.ask("/get/" + name), "stored version=1\n" + name + "=one version=1");
}

// Whatever the store answers then is nobody's; AddressSanitizer sees the rest.
void test_a_client_that_leaves() {
    Fixture store;
    auto exchange = store.host.request("GET", "/put/a/one");
    GANTRY_CHECK(exchange.is_asleep());
    exchange.leave();
    store.host.run();
    GANTRY_CHECK_EQUAL(store.ask("/get/a"), "stored version=1\na=one version=1");
    // One that is not even told: the host ends before.
    store.host.request("GET", "/put/a/two");
}

}  // namespace

int main() {
    test_values();
    test_counters();
    test_streams();
    test_beside_the_traffic();
    test_an_answer_of_a_coroutine_that_goes_on();
    test_a_client_that_leaves();
    return gantry::fake::result();
}
