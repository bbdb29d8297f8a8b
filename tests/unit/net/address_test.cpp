#include "core/net/address.hpp"

#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string>

using namespace gantry;
using namespace gantry::net;

namespace {

PeerAddress address_of(const char* text, std::uint16_t port) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    REQUIRE(make_sockaddr(text, port, false, storage, size));
    return PeerAddress::from(storage);
}

}  // namespace

TEST_CASE("address: every octet of IPv4, at every place", "[net]") {
    for (unsigned octet = 0; octet < 256; ++octet) {
        for (unsigned place = 0; place < 4; ++place) {
            std::string text;
            for (unsigned i = 0; i < 4; ++i)
                text += (i > 0 ? "." : "") + std::to_string(i == place ? octet : i * 41);
            Arena arena;
            const PeerAddress address = address_of(text.c_str(), 80);
            CHECK(address.ip_text(arena) == text);
            CHECK(address.to_string() == text + ":80");
        }
    }
}

TEST_CASE("address: IPv6, IPv4 within it, and unix sockets", "[net]") {
    Arena arena;
    const std::string longest = "2001:db8:1111:2222:3333:4444:5555:6666";
    CHECK(address_of(longest.c_str(), 443).ip_text(arena) == longest);
    CHECK(address_of("2001:db8::1", 443).to_string() == "[2001:db8::1]:443");
    CHECK(address_of("::ffff:192.0.2.1", 443).to_string() == "192.0.2.1:443");
    CHECK(PeerAddress().ip_text(arena) == "unix:");
    CHECK(PeerAddress().to_string() == "unix:");
}
