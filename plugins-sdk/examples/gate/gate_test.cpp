// The gate without a server; the clock is the test's.
#include "gantry/fake_host.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

class Guests {
public:
    Guests() {
        const int file = mkstemp(path_.data());
        GANTRY_CHECK(file >= 0 && write(file, "sesame\nother\n", 13) == 13);
        close(file);
    }
    ~Guests() { unlink(path_.c_str()); }
    Guests(const Guests&) = delete;
    Guests& operator=(const Guests&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/gantry-gate-XXXXXX";
};

void prepare(gantry::fake::Host& host, const Guests& guests) {
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"gate", gantry::fake::table({{"file", guests.path()}, {"delay", "2s"}})}});
    GANTRY_CHECK(host.reload());
    host.answer_with(200, {}, {"inside"});
}

void test_lets_guests_in() {
    const Guests guests;
    gantry::fake::Host host;
    prepare(host, guests);
    const auto exchange = host.request("GET", "/", {{"X-Secret", "sesame"}});
    GANTRY_CHECK(exchange.is_asleep());
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 200);
    GANTRY_CHECK_EQUAL(exchange.body(), "inside");
}

void test_refuses_late() {
    const Guests guests;
    gantry::fake::Host host;
    prepare(host, guests);
    const auto exchange = host.request("GET", "/", {{"X-Secret", "guess"}});
    host.run();
    host.advance(1999ms);
    GANTRY_CHECK(exchange.is_asleep());
    host.advance(1ms);
    GANTRY_CHECK_EQUAL(exchange.status(), 403);
    GANTRY_CHECK(exchange.is_over());
}

void test_does_not_look_without_a_secret() {
    const Guests guests;
    gantry::fake::Host host;
    prepare(host, guests);
    host.limit_blocking(0);
    const auto exchange = host.request("GET", "/");
    host.advance(2s);
    GANTRY_CHECK_EQUAL(exchange.status(), 403);
}

void test_says_when_too_many_look() {
    const Guests guests;
    gantry::fake::Host host;
    prepare(host, guests);
    host.limit_blocking(1);
    const auto first = host.request("GET", "/", {{"X-Secret", "sesame"}});
    const auto second = host.request("GET", "/", {{"X-Secret", "sesame"}});
    host.run();
    GANTRY_CHECK_EQUAL(first.status(), 200);
    GANTRY_CHECK_EQUAL(second.status(), 503);
}

// At each place where it can wait: AddressSanitizer would see what is left behind.
void test_clients_leave() {
    const Guests guests;
    gantry::fake::Host host;
    prepare(host, guests);
    auto before = host.request("GET", "/", {{"X-Secret", "guess"}});
    before.leave();  // before it was looked up
    auto between = host.request("GET", "/", {{"X-Secret", "guess"}});
    host.run_blocking();
    between.leave();  // looked up, but the worker does not know yet
    auto after = host.request("GET", "/", {{"X-Secret", "guess"}});
    host.run();
    after.leave();  // while the refusal is late
    host.run();
    host.advance(10s);
    GANTRY_CHECK(before.is_over() && between.is_over() && after.is_over());
    GANTRY_CHECK_EQUAL(after.status(), 0);
}

void test_keeps_its_range() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"gate", gantry::fake::table({{"file", "guests"}, {"delay", "11s"}})}});
    GANTRY_CHECK(!host.reload());
    host.forget_configuration();
    host.location("/", {{"gate", gantry::fake::table({{"delay", "1s"}})}});
    GANTRY_CHECK(!host.reload());
}

}  // namespace

int main() {
    test_lets_guests_in();
    test_refuses_late();
    test_does_not_look_without_a_secret();
    test_says_when_too_many_look();
    test_clients_leave();
    test_keeps_its_range();
    return gantry::fake::result();
}
