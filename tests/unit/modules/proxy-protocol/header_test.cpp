#include "modules/proxy-protocol/header.hpp"

#include "modules/proxy-protocol/checksum.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace proxy_protocol;
using namespace std::string_literals;

namespace {

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

// `body`: what stands behind the first 16 bytes.
std::string v2(unsigned command, unsigned family, const std::string& body) {
    return kSignature + static_cast<char>(command) + static_cast<char>(family) +
           static_cast<char>(body.size() >> 8) + static_cast<char>(body.size() & 255) + body;
}
std::string tlv(unsigned type, const std::string& value) {
    return std::string(1, static_cast<char>(type)) + static_cast<char>(value.size() >> 8) +
           static_cast<char>(value.size() & 255) + value;
}
// 192.0.2.1:4660 to 198.51.100.2:443.
const std::string kV4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb"s;

Outcome outcome(std::string_view bytes) {
    return parse(bytes).outcome;
}
std::string fault(std::string_view bytes) {
    const Parsed parsed = parse(bytes);
    return parsed.outcome == Outcome::Broken ? parsed.fault : "";
}

Endpoint v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
    Endpoint out;
    out.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
    out.port = port;
    out.family = 4;
    return out;
}

}  // namespace

TEST_CASE("proxy protocol 1: the lines of the specification", "[module][proxy-protocol]") {
    const std::string line = "PROXY TCP4 255.255.255.255 192.0.2.1 65535 0\r\n";
    const Parsed parsed = parse(line + "GET / HTTP/1.1\r\n");
    REQUIRE(parsed.outcome == Outcome::Complete);
    CHECK(parsed.header.version == 1);
    CHECK(parsed.header.has_addresses);
    CHECK_FALSE(parsed.header.is_local);
    CHECK(parsed.header.source == v4(255, 255, 255, 255, 65535));
    CHECK(parsed.header.destination == v4(192, 0, 2, 1, 0));
    CHECK(parsed.header.size == line.size());

    const std::string longest =
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
        "65535\r\n";
    CHECK(parse(longest).header.size == 104);
    CHECK(parse(longest).header.source.family == 6);
    CHECK(parse("PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2\r\n").header.source == v4(192, 0, 2, 9, 1));

    const Parsed unknown = parse("PROXY UNKNOWN\r\n");
    CHECK(unknown.outcome == Outcome::Complete);
    CHECK_FALSE(unknown.header.has_addresses);
    CHECK(outcome("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n") == Outcome::Complete);
    CHECK(outcome("PROXY UNKNOWN what ever it says\r\n") == Outcome::Complete);
}

TEST_CASE("proxy protocol: every beginning of a header may become one", "[module][proxy-protocol]") {
    const std::string headers[] = {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                                   v2(0x21, 0x11, kV4 + tlv(1, "h2")), v2(0x20, 0x00, "")};
    for (const std::string& header : headers) {
        for (std::size_t size = 0; size < header.size(); ++size) {
            INFO(size);
            CHECK(outcome(header.substr(0, size)) == Outcome::Incomplete);
        }
        CHECK(outcome(header) == Outcome::Complete);
    }
}

TEST_CASE("proxy protocol: what is none is left alone", "[module][proxy-protocol]") {
    for (const std::string bytes :
         {"GET / HTTP/1.1\r\n", "\x16\x03\x01", "P\r\n", "PROXIED", "PRI * HTTP/2.0\r\n", "\r\nGET",
          "\r\n\r\n\r\n", "proxy tcp4", "PROXY\t"}) {
        INFO(bytes);
        CHECK(outcome(bytes) == Outcome::Absent);
    }
    CHECK(outcome("\r\n\r\n") == Outcome::Incomplete);
}

TEST_CASE("proxy protocol 1: lines that are broken", "[module][proxy-protocol]") {
    for (const std::string rest : {
             "TCP4 192.0.2.1 192.0.2.2 1 2\n",
             "TCP4 192.0.2.1 192.0.2.2 1\r\n",
             "TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
             "TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
             "TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
             "TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
             "TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
             "TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
             "TCP4 192.0.2 192.0.2.2 1 2\r\n",
             "TCP4 ::1 ::2 1 2\r\n",
             "TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
             "TCP4 192.0.02.1 192.0.2.2 1 2\r\n",
             "TCP4 192.0.2.1 192.0.2.2 1 \r\n",
             "UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
             "\r\n",
             "TCP4\r\n",
             "UNKNOWN\n",
             "TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
         }) {
        INFO(rest);
        CHECK(outcome("PROXY " + rest) == Outcome::Broken);
    }
    CHECK(outcome("PROXY UNKNOWN " + std::string(86, 'x')) == Outcome::Incomplete);
    CHECK(fault("PROXY UNKNOWN " + std::string(93, 'x')) == "its line has no end within 107 bytes");
    CHECK(outcome("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n") == Outcome::Complete);
    CHECK(outcome("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") == Outcome::Broken);
    CHECK(outcome("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"s) == Outcome::Broken);
}

TEST_CASE("proxy protocol 2: addresses", "[module][proxy-protocol]") {
    const Parsed parsed = parse(v2(0x21, 0x11, kV4) + "GET");
    REQUIRE(parsed.outcome == Outcome::Complete);
    CHECK(parsed.header.version == 2);
    CHECK(parsed.header.source == v4(192, 0, 2, 1, 0x1234));
    CHECK(parsed.header.destination == v4(198, 51, 100, 2, 443));
    CHECK(parsed.header.size == 28);
    CHECK(parsed.header.tlvs.empty());

    const std::string ip6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1";
    const Parsed six = parse(v2(0x21, 0x21, ip6 + ip6 + "\0\1\0\2"s));
    REQUIRE(six.outcome == Outcome::Complete);
    CHECK(six.header.source.family == 6);
    CHECK(six.header.source.ip[15] == 1);
    CHECK(six.header.source.port == 1);
    CHECK(six.header.destination.port == 2);

    // Of unix sockets, datagrams, and of nobody it is known that they are there.
    for (const std::string& header : {v2(0x21, 0x31, std::string(216, 'x')), v2(0x21, 0x12, kV4),
                                      v2(0x21, 0x00, ""), v2(0x21, 0x10, kV4)}) {
        CHECK(parse(header).outcome == Outcome::Complete);
        CHECK_FALSE(parse(header).header.has_addresses);
    }
    // A proxy that speaks for itself; what it says beside that is to be ignored.
    for (const std::string& header : {v2(0x20, 0x00, ""), v2(0x20, 0x11, kV4), v2(0x20, 0x00, "rubbish")}) {
        CHECK(parse(header).outcome == Outcome::Complete);
        CHECK(parse(header).header.is_local);
        CHECK_FALSE(parse(header).header.has_addresses);
        CHECK(parse(header).header.tlvs.empty());
    }
    CHECK(parse(v2(0x21, 0x00, "rubbish")).outcome == Outcome::Complete);
}

TEST_CASE("proxy protocol 2: headers that are broken", "[module][proxy-protocol]") {
    CHECK(fault(v2(0x11, 0x11, kV4)) == "its version is not 2");
    CHECK(fault(v2(0x31, 0x11, kV4)) == "its version is not 2");
    CHECK(fault(v2(0x22, 0x11, kV4)) == "its command is unknown");
    CHECK(fault(v2(0x21, 0x41, kV4)) == "its family or protocol is unknown");
    CHECK(fault(v2(0x21, 0x13, kV4)) == "its family or protocol is unknown");
    CHECK(fault(v2(0x21, 0x11, kV4.substr(1))) == "its addresses end beyond it");
    CHECK(fault(v2(0x21, 0x21, kV4)) == "its addresses end beyond it");
    CHECK(fault(v2(0x21, 0x11, kV4 + "\1")) == "its vectors end beyond it");
    CHECK(fault(v2(0x21, 0x11, kV4 + "\1\0\3ab"s)) == "its vectors end beyond it");
    // Said as soon as it is known.
    CHECK(fault(kSignature + "\x11") == "its version is not 2");
}

TEST_CASE("proxy protocol 2: checksums", "[module][proxy-protocol]") {
    Checksum known;
    known.add("12345");
    known.add("6789");
    CHECK(known.value() == 0xe3069283);  // the check value of CRC-32C

    const auto with_sum = [](std::uint32_t sum) {
        const std::string value = {static_cast<char>(sum >> 24), static_cast<char>(sum >> 16),
                                   static_cast<char>(sum >> 8), static_cast<char>(sum)};
        return v2(0x21, 0x11, kV4 + tlv(1, "h2") + tlv(3, value) + tlv(2, "a.test"));
    };
    Checksum sum;
    sum.add(with_sum(0));
    CHECK(outcome(with_sum(sum.value())) == Outcome::Complete);
    CHECK(fault(with_sum(sum.value() ^ 1)) == "its checksum is wrong");
    std::string changed = with_sum(sum.value());
    changed[16] ^= 1;
    CHECK(fault(changed) == "its checksum is wrong");
    CHECK(fault(v2(0x21, 0x11, kV4 + tlv(3, "123"))) == "its checksum has not four bytes");
    CHECK(fault(v2(0x21, 0x00, tlv(3, "1234"))) == "its checksum is wrong");
}
