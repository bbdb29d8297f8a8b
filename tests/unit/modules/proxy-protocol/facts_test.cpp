#include "modules/proxy-protocol/facts.hpp"

#include "modules/proxy-protocol/sources.hpp"
#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <string>

using namespace proxy_protocol;
using namespace std::string_literals;

namespace {

std::string tlv(unsigned type, const std::string& value) {
    return std::string(1, static_cast<char>(type)) + static_cast<char>(value.size() >> 8) +
           static_cast<char>(value.size() & 255) + value;
}

std::string fact(const Facts& facts, std::string_view name) {
    for (const auto& [known, value] : facts) {
        if (known == name) return value;
    }
    return "(none)";
}

Endpoint endpoint(const char* text) {
    Endpoint out;
    if (inet_pton(AF_INET, text, out.ip.data() + 12) == 1) {
        out.ip[10] = out.ip[11] = 0xff;
        out.family = 4;
    } else {
        REQUIRE(inet_pton(AF_INET6, text, out.ip.data()) == 1);
        out.family = 6;
    }
    return out;
}

}  // namespace

TEST_CASE("proxy protocol: what vectors say", "[module][proxy-protocol]") {
    const Facts facts = facts_of(tlv(1, "h2") + tlv(2, "a.test") + tlv(3, "1234") + tlv(4, "  ") +
                                     tlv(5, "\1\2") + tlv(0x30, "blue") + tlv(0xe7, "ab") + tlv(1, "again"),
                                 100);
    CHECK(facts.size() == 5);
    CHECK(fact(facts, "alpn") == "h2");
    CHECK(fact(facts, "authority") == "a.test");
    CHECK(fact(facts, "unique_id") == "0102");
    CHECK(fact(facts, "netns") == "blue");
    CHECK(fact(facts, "tlv.e7") == "6162");
    CHECK(facts_of(tlv(1, std::string(101, 'x')), 100).empty());
    CHECK(facts_of("", 100).empty());
}

TEST_CASE("proxy protocol: what vectors say about TLS", "[module][proxy-protocol]") {
    const std::string inner =
        tlv(0x21, "TLSv1.3") + tlv(0x22, "joe") + tlv(0x23, "AES") + tlv(0x28, "\x30\x82");
    const Facts facts = facts_of(tlv(0x20, "\x07\0\0\0\0"s + inner), 100);
    CHECK(fact(facts, "ssl") == "yes");
    CHECK(fact(facts, "ssl_verified") == "yes");
    CHECK(fact(facts, "ssl_version") == "TLSv1.3");
    CHECK(fact(facts, "ssl_cn") == "joe");
    CHECK(fact(facts, "ssl_cipher") == "AES");
    CHECK(fact(facts, "ssl_client_cert") == "3082");
    CHECK(fact(facts_of(tlv(0x20, "\x05\0\0\0\1"s), 100), "ssl_verified") == "no");
    // Nobody has shown a certificate.
    CHECK(fact(facts_of(tlv(0x20, "\x01\0\0\0\0"s), 100), "ssl_verified") == "no");
    CHECK(fact(facts_of(tlv(0x20, "\0\0\0\0\0"s), 100), "ssl") == "no");
    CHECK(facts_of(tlv(0x20, "\x01\0\0\0"s), 100).empty());
    CHECK(facts_of(tlv(0x20, "\x01\0\0\0\0\x21\0\x09x"s), 100).size() ==
          2);  // what ends beyond it is left out
}

TEST_CASE("proxy protocol: private links of clouds", "[module][proxy-protocol]") {
    CHECK(fact(facts_of(tlv(0xea, "\1vpce-08d2bf15fac5001c9"), 100), "aws_vpce_id") ==
          "vpce-08d2bf15fac5001c9");
    CHECK(fact(facts_of(tlv(0xee, "\1\x0d\x0c\x0b\x0a"), 100), "azure_link_id") == "168496141");
    CHECK(fact(facts_of(tlv(0xe0, "\0\0\0\0\0\0\1\0"s), 100), "gcp_psc_id") == "256");
    CHECK(fact(facts_of(tlv(0xea, "\2x"), 100), "tlv.ea") == "0278");
    CHECK(fact(facts_of(tlv(0xee, "\1x"), 100), "tlv.ee") == "0178");
}

TEST_CASE("proxy protocol: whose headers are believed", "[module][proxy-protocol]") {
    Sources some;
    for (const char* text : {"192.0.2.1", "10.0.0.0/8", "2001:db8::/33", "172.16.0.0/12"})
        CHECK(some.add(text));
    for (const char* text : {"192.0.2.1", "10.255.0.9", "2001:db8::9", "2001:db8:7fff::", "172.31.255.255"})
        CHECK(some.include(endpoint(text)));
    for (const char* text : {"192.0.2.2", "11.0.0.0", "2001:db8:8000::", "2001:db9::", "172.32.0.0", "::1"})
        CHECK_FALSE(some.include(endpoint(text)));
    CHECK_FALSE(some.include(Endpoint{}));

    Sources sockets;
    CHECK(sockets.add("unix"));
    CHECK(sockets.include(Endpoint{}));
    CHECK_FALSE(sockets.include(endpoint("127.0.0.1")));

    Sources all;
    CHECK(all.add("any"));
    CHECK(all.include(Endpoint{}));
    CHECK(all.include(endpoint("2001:db8::1")));
    CHECK(all.include(endpoint("192.0.2.1")));

    Sources four;
    CHECK(four.add("0.0.0.0/0"));
    CHECK(four.include(endpoint("192.0.2.1")));
    CHECK_FALSE(four.include(endpoint("2001:db8::1")));

    for (const char* text : {"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.1/8", "::/129",
                             "10.0.0", "localhost", "2001:db8::1/64", "10.0.0.0/-1", "Any"}) {
        INFO(text);
        CHECK_FALSE(Sources().add(text));
    }
}
