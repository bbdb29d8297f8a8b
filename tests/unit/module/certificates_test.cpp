#include "core/module/certificates.hpp"

#include "core/net/certificate.hpp"
#include "tests/support/catch.hpp"

using namespace gantry;

TEST_CASE("certificates: a number stands for its certificate until it is released", "[module][tls]") {
    module::Certificates certificates;
    const auto made = net::make_self_signed({"a.test"});
    const std::uint64_t number = certificates.add(made);
    CHECK(number != 0);
    CHECK(certificates.find(number) == made);
    const auto set = certificates.set_of(number);
    REQUIRE(set != nullptr);
    CHECK(set->current() == std::vector{made});
    CHECK(certificates.release(number));
    CHECK_FALSE(certificates.release(number));
    CHECK(certificates.find(number) == nullptr);
    CHECK(certificates.set_of(number) == nullptr);
    CHECK(set->current() == std::vector{made});  // what uses it goes on
    CHECK(certificates.add(made) != number);
    CHECK(certificates.find(0) == nullptr);
}
