#include "core/base/cidr.hpp"

#include "tests/support/catch.hpp"

using namespace gantry;

namespace {

IpBytes ip(std::string_view text) {
    IpBytes address{};
    INFO(text);
    REQUIRE(parse_ip(text, address));
    return address;
}

Cidr cidr(std::string_view text) {
    auto parsed = parse_cidr(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

}  // namespace

TEST_CASE("cidr: reads addresses of both families", "[base][cidr]") {
    CHECK(is_ipv4(ip("192.0.2.1")));
    CHECK(ip("::ffff:192.0.2.1") == ip("192.0.2.1"));
    CHECK_FALSE(is_ipv4(ip("2001:db8::1")));
    IpBytes address{};
    for (const char* text :
         {"", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "[::1]", "::g", "1:2", "host", "fe80::1%eth0",
          "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd"}) {
        INFO(text);
        CHECK_FALSE(parse_ip(text, address));
    }
    CHECK_FALSE(parse_ip(std::string_view("::1\0", 4), address));
}

TEST_CASE("cidr: a network holds its addresses and no others", "[base][cidr]") {
    CHECK(cidr("10.0.0.0/8").contains(ip("10.255.255.255")));
    CHECK_FALSE(cidr("10.0.0.0/8").contains(ip("11.0.0.0")));
    CHECK(cidr("192.168.4.0/22").contains(ip("192.168.7.255")));
    CHECK_FALSE(cidr("192.168.4.0/22").contains(ip("192.168.8.0")));
    CHECK(cidr("192.0.2.7").contains(ip("192.0.2.7")));
    CHECK_FALSE(cidr("192.0.2.7").contains(ip("192.0.2.6")));
    CHECK(cidr("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
    CHECK_FALSE(cidr("2001:db8::/33").contains(ip("2001:db8:8000::1")));
    CHECK(cidr("0.0.0.0/0").contains(ip("255.1.2.3")));
}

TEST_CASE("cidr: the families stay apart", "[base][cidr]") {
    CHECK_FALSE(cidr("::/0").contains(ip("10.0.0.1")));
    CHECK(cidr("::/0").contains(ip("2001:db8::1")));
    CHECK_FALSE(cidr("0.0.0.0/0").contains(ip("2001:db8::1")));
    CHECK(cidr("::ffff:10.0.0.0/104").contains(ip("10.1.2.3")));
    CHECK_FALSE(CidrSet({cidr("::/0")}).contains(ip("10.0.0.1")));
    CHECK(CidrSet({cidr("::ffff:10.0.0.0/104")}).contains(ip("10.1.2.3")));
}

TEST_CASE("cidr: a bad network is refused with the reason", "[base][cidr]") {
    for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08x", "::/129", "/8", "a/8",
                             "10.0.0.0/8/8", "10.0.0.0/0000008"}) {
        INFO(text);
        CHECK_FALSE(parse_cidr(text));
    }
    const auto loose = parse_cidr("10.1.2.3/8");
    REQUIRE_FALSE(loose);
    CHECK(loose.error().find("10.0.0.0/8") != std::string::npos);
    const auto loose6 = parse_cidr("2001:db8::1/32");
    REQUIRE_FALSE(loose6);
    CHECK(loose6.error().find("2001:db8::/32") != std::string::npos);
}

TEST_CASE("cidr: a set answers as its networks one by one", "[base][cidr]") {
    const std::vector<Cidr> networks{cidr("10.0.0.0/8"),   cidr("10.1.0.0/16"),    cidr("192.0.2.0/31"),
                                     cidr("192.0.2.2/31"), cidr("2001:db8::/32"),  cidr("2001:db8:1::/48"),
                                     cidr("fe80::1"),      cidr("255.255.255.255")};
    const CidrSet set(networks);
    for (const char* text :
         {"9.255.255.255",    "10.0.0.0",   "10.1.2.3",    "10.255.255.255",  "11.0.0.0",   "192.0.2.0",
          "192.0.2.3",        "192.0.2.4",  "192.0.1.255", "2001:db7:ffff::", "2001:db8::", "2001:db8:1::5",
          "2001:db8:ffff::1", "2001:db9::", "fe80::",      "fe80::1",         "fe80::2",    "255.255.255.255",
          "255.255.255.254",  "0.0.0.0",    "::"}) {
        INFO(text);
        bool expected = false;
        for (const Cidr& network : networks) expected = expected || network.contains(ip(text));
        CHECK(set.contains(ip(text)) == expected);
    }
    CHECK(CidrSet().empty());
    CHECK_FALSE(CidrSet().contains(ip("10.0.0.1")));
    CHECK_FALSE(set.empty());
}
