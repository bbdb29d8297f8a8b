#include "core/net/client_hello.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry::net;
using namespace std::string_literals;

TEST_CASE("client_hello: the host name of an extension", "[net][tls]") {
    CHECK(server_name_in("\0\x09\0\0\x06"s + "a.test") == "a.test");
    CHECK(server_name_in("\0\x0d\x01\0\x01x\0\0\x06"s + "a.test") == "a.test");  // behind one of another kind
    CHECK(server_name_in("\0\x04\x01\0\x01x"s).empty());
}

TEST_CASE("client_hello: a damaged name is none", "[net][tls]") {
    for (const std::string& damaged :
         {""s, "\0"s, "\0\x09"s, "\0\x08\0\0\x06"s + "a.test", "\0\x09\0\0\x07"s + "a.test", "\0\x01\0"s}) {
        CHECK(server_name_in(damaged).empty());
    }
}

TEST_CASE("client_hello: protocols in their order", "[net][tls]") {
    const std::string extension = "\0\x0c\x02h2\x08http/1.1"s;
    const std::string_view list = protocols_in(extension);
    CHECK(list.size() == 12);
    CHECK(protocol_at(list, 0) == "h2");
    CHECK(protocol_at(list, 1) == "http/1.1");
    CHECK(protocol_at(list, 2).empty());
    CHECK(has_protocol(list, "http/1.1"));
    CHECK_FALSE(has_protocol(list, "http"));
    CHECK_FALSE(has_protocol({}, "h2"));
}

TEST_CASE("client_hello: damaged protocols are none", "[net][tls]") {
    for (const std::string& damaged :
         {""s, "\0"s, "\0\x03\x02h"s, "\0\x03\x03h2"s, "\0\x04\x02h2\0"s, "\0\x02\x02h2"s}) {
        CHECK(protocols_in(damaged).empty());
    }
}
