#include "modules/proxy-protocol/writer.hpp"

#include "modules/proxy-protocol/facts.hpp"
#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <string>

using namespace proxy_protocol;

namespace {

Endpoint endpoint(const char* ip, std::uint16_t port) {
    Endpoint out;
    out.port = port;
    out.family = 4;
    if (inet_pton(AF_INET, ip, out.ip.data() + 12) == 1) {
        out.ip[10] = out.ip[11] = 0xff;
        return out;
    }
    out.family = inet_pton(AF_INET6, ip, out.ip.data()) == 1 ? 6 : 0;
    return out;
}

const Endpoint kFour = endpoint("192.0.2.1", 4660);
const Endpoint kSix = endpoint("2001:db8::1", 443);

}  // namespace

TEST_CASE("proxy protocol: what is written is read again", "[module][proxy-protocol]") {
    for (const auto& [source, destination] :
         {std::pair{kFour, kFour}, std::pair{kSix, kSix}, std::pair{kFour, kSix}, std::pair{kSix, kFour}}) {
        for (const std::string& bytes :
             {version_1(source, destination), Version2(source, destination).finish(false),
              Version2(source, destination).finish(true)}) {
            const Parsed parsed = parse(bytes);
            REQUIRE(parsed.outcome == Outcome::Complete);
            CHECK(parsed.header.size == bytes.size());
            CHECK(parsed.header.has_addresses);
            CHECK(parsed.header.source == source);
            CHECK(parsed.header.destination == destination);
        }
    }
    CHECK(version_1(kFour, endpoint("198.51.100.2", 80)) == "PROXY TCP4 192.0.2.1 198.51.100.2 4660 80\r\n");
}

TEST_CASE("proxy protocol: unix sockets are not told", "[module][proxy-protocol]") {
    CHECK(version_1(Endpoint{}, Endpoint{}) == "PROXY UNKNOWN\r\n");
    Version2 header(kFour, Endpoint{});
    header.add(1, "h2");
    const std::string bytes = std::move(header).finish(true);
    const Parsed parsed = parse(bytes);
    REQUIRE(parsed.outcome == Outcome::Complete);
    CHECK_FALSE(parsed.header.has_addresses);
    CHECK(facts_of(parsed.header.tlvs, 100) == Facts{{"alpn", "h2"}});
}

TEST_CASE("proxy protocol: vectors are written, as long as they fit", "[module][proxy-protocol]") {
    Version2 header(kSix, kSix);
    header.add(2, "a.test");
    header.add(0x20, std::string("\1\0\0\0\1", 5) + Version2::tlv(0x21, "TLSv1.3"));
    header.add(0xe0, std::string(65'000, 'x'));
    header.add(0xe1, std::string(600, 'x'));
    header.add(5, "id");
    const std::string bytes = std::move(header).finish(true);
    CHECK(bytes.size() <= kMostBytes);
    const Parsed parsed = parse(bytes);
    REQUIRE(parsed.outcome == Outcome::Complete);
    CHECK(facts_of(parsed.header.tlvs, 100) == Facts{{"authority", "a.test"},
                                                     {"ssl", "yes"},
                                                     {"ssl_verified", "no"},
                                                     {"ssl_version", "TLSv1.3"},
                                                     {"unique_id", "id"}});
}
