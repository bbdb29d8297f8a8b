// Something again and again, beside the traffic: gantry::Ticker, in a fake host. That its timer ends with it is the
// fake host's to see.
#include "entry.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;

struct Service {
    static inline Service* latest = nullptr;

    static std::unique_ptr<Service> prepare(gantry::Scope& top, Service*) {
        auto made = std::make_unique<Service>();
        made->host = &top.host();
        return made;
    }
    void commit() {
        latest = this;
        GANTRY_CHECK_EQUAL(ticker.start<&Service::look>(*host, 10s, *this), GANTRY_OK);
    }
    void look() {
        if (++looks == 2) throw std::runtime_error{"nothing to see"};
    }
    void blink() noexcept { ++blinks; }

    const gantry::Host* host = nullptr;
    int looks = 0;
    int blinks = 0;
    gantry::Ticker ticker;
};

void load(gantry::fake::Host& host) {
    GANTRY_CHECK(host.load(test::entry<gantry::State<Service>>()));
    GANTRY_CHECK(host.reload());
}

void test_it_is_called_again_whatever_it_throws() {
    gantry::fake::Host host;
    load(host);
    host.advance(9s);
    GANTRY_CHECK_EQUAL(Service::latest->looks, 0);
    host.advance(11s);
    GANTRY_CHECK_EQUAL(Service::latest->looks, 2);
    GANTRY_CHECK(host.has_logged("nothing to see"));
    host.advance(10s);
    GANTRY_CHECK_EQUAL(Service::latest->looks, 3);
}

void test_it_ends_when_it_is_told_to() {
    gantry::fake::Host host;
    load(host);
    Service& service = *Service::latest;
    service.ticker.stop();
    service.ticker.stop();
    host.advance(60s);
    GANTRY_CHECK_EQUAL(service.looks, 0);
}

void test_what_is_started_ends_what_was() {
    gantry::fake::Host host;
    load(host);
    Service& service = *Service::latest;
    GANTRY_CHECK_EQUAL(service.ticker.start<&Service::blink>(*service.host, 1s, service), GANTRY_OK);
    host.advance(20s);
    GANTRY_CHECK_EQUAL(service.blinks, 20);
    GANTRY_CHECK_EQUAL(service.looks, 0);
    // Less than it can be: what was before has ended all the same, and nothing takes its place.
    GANTRY_CHECK_EQUAL(service.ticker.start<&Service::blink>(*service.host, 1us, service),
                       GANTRY_ERROR_ARGUMENT);
    host.advance(20s);
    GANTRY_CHECK_EQUAL(service.blinks, 20);
}

void test_it_goes_with_its_instance() {
    gantry::fake::Host host;
    load(host);
    const Service* const before = Service::latest;
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(Service::latest != before);
    host.run();
    GANTRY_CHECK_EQUAL(host.instances(), 1U);
    host.advance(10s);
    GANTRY_CHECK_EQUAL(Service::latest->looks, 1);
}

}  // namespace

int main() {
    test_it_is_called_again_whatever_it_throws();
    test_it_ends_when_it_is_told_to();
    test_what_is_started_ends_what_was();
    test_it_goes_with_its_instance();
    return gantry::fake::result();
}
