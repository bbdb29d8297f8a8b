#include "core/server/offered_certificates.hpp"

#include "tests/support/catch.hpp"

using namespace gantry;
using server::OfferedCertificates;

namespace {

OfferedCertificates made(const std::vector<std::string>& names) {
    std::vector<OfferedCertificates::Named> all;
    for (const std::string& name : names)
        all.emplace_back(name, std::make_shared<net::CertificateSet>(std::vector{name}));
    return OfferedCertificates(std::move(all));
}

std::string found(const OfferedCertificates& offered, std::string_view name) {
    for (const auto& [known, set] : offered.names()) {
        if (set.get() == offered.find(name)) return known;
    }
    return "none";
}

}  // namespace

TEST_CASE("offered_certificates: the exact name, else the longest wildcard, else the first",
          "[server][tls]") {
    const auto offered = made({"z.test", "a.test", "*.a.test", "*.b.a.test"});
    CHECK(found(offered, "a.test") == "a.test");
    CHECK(found(offered, "x.a.test") == "*.a.test");
    CHECK(found(offered, "y.x.a.test") == "*.a.test");
    CHECK(found(offered, "x.b.a.test") == "*.b.a.test");
    CHECK(found(offered, "b.a.test") == "*.a.test");
    CHECK(found(offered, "") == "z.test");
    CHECK(found(offered, "elsewhere.test") == "z.test");
    CHECK(found(offered, std::string(255, '.')) == "z.test");
}

TEST_CASE("offered_certificates: a host of one name looks no further", "[server][tls]") {
    const auto offered = made({"*.a.test"});
    CHECK(found(offered, "x.a.test") == "*.a.test");
    CHECK(found(offered, "") == "*.a.test");
}
