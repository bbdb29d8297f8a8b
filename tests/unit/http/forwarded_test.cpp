#include "core/http/forwarded.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

// 10.x and fd00: are our proxies.
bool is_ours(std::string_view address) {
    return address.substr(0, 3) == "10." || address.substr(0, 5) == "fd00:";
}

std::string x_client(std::string_view list, std::string_view connected = "10.0.0.1") {
    return std::string(client_address(ForwardedField::XForwardedFor, list, connected, is_ours));
}

std::string client(std::string_view list, std::string_view connected = "10.0.0.1") {
    return std::string(client_address(ForwardedField::Forwarded, list, connected, is_ours));
}

}  // namespace

TEST_CASE("forwarded: elements are written with quotes where they need them", "[http]") {
    Arena arena;
    CHECK(forwarded_element("192.0.2.1", "https", "example.com", arena) ==
          "for=192.0.2.1;proto=https;host=example.com");
    CHECK(forwarded_element("2001:db8::1", "http", "[::1]:8080", arena) ==
          "for=\"[2001:db8::1]\";proto=http;host=\"[::1]:8080\"");
    CHECK(forwarded_element("unix:", "", "", arena) == "for=unknown");
    CHECK(forwarded_element("192.0.2.1", "", "a\"b\\c\r\n", arena) == "for=192.0.2.1;host=\"a\\\"b\\\\c??\"");
    CHECK(append_forwarded("", "for=a", arena) == "for=a");
    CHECK(append_forwarded("for=a", "for=b", arena) == "for=a, for=b");
    CHECK(append_forwarded("192.0.2.1 ", "10.0.0.1", arena) == "192.0.2.1, 10.0.0.1");
}

TEST_CASE("forwarded: addresses of nodes", "[http]") {
    struct Row {
        const char* node;
        const char* address;
    };
    const Row rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {" \"192.0.2.1:47011\" ", "192.0.2.1"},
        {"192.0.2.1:_hidden", "192.0.2.1"},
        {"\"[2001:db8::1]:47011\"", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"unknown", ""},
        {"_hidden", ""},
        {"", ""},
        {"\"\"", ""},
        {"\"", ""},
        {"192.0.2.256", ""},
        {"192.0.2.1:", ""},
        {"192.0.2.1:a b", ""},
        {"[192.0.2.1]", ""},
        {"[2001:db8::1", ""},
        {"[2001:db8::1]x", ""},
        {"localhost", ""},
        {"127.1", ""},
    };
    for (const Row& row : rows) {
        INFO(row.node);
        CHECK(node_address(row.node) == row.address);
    }
}

TEST_CASE("forwarded: the right-most address that is not ours is the client", "[http]") {
    CHECK(x_client("198.51.100.1", "203.0.113.9") == "203.0.113.9");
    CHECK(x_client("198.51.100.1") == "198.51.100.1");
    CHECK(x_client("1.2.3.4, 198.51.100.1") == "198.51.100.1");
    CHECK(x_client("1.2.3.4, 198.51.100.1, 10.0.0.2,10.0.0.3") == "198.51.100.1");
    CHECK(x_client("10.0.0.9, 10.0.0.2") == "10.0.0.9");
    CHECK(x_client("") == "10.0.0.1");
    CHECK(x_client(" , ,") == "10.0.0.1");
    CHECK(x_client("1.2.3.4, rubbish, 10.0.0.2") == "10.0.0.2");
    CHECK(x_client("1.2.3.4, unknown") == "10.0.0.1");
    CHECK(x_client("1.2.3.4:99, fd00::1") == "1.2.3.4");
    CHECK(x_client("\"1.2.3.4, 198.51.100.1") == "198.51.100.1");
}

TEST_CASE("forwarded: the same from Forwarded", "[http]") {
    CHECK(client("for=198.51.100.1", "203.0.113.9") == "203.0.113.9");
    CHECK(client("for=1.2.3.4, For=198.51.100.1;proto=https") == "198.51.100.1");
    CHECK(client("for=198.51.100.1, proto=http;for=\"[fd00::1]:80\";by=x") == "198.51.100.1");
    CHECK(client("for=198.51.100.1;host=\"a,b;c\\\"\", for=10.0.0.2") == "198.51.100.1");
    CHECK(client("for=1.2.3.4, proto=https, for=10.0.0.2") == "10.0.0.2");
    CHECK(client("for=1.2.3.4, for=unknown, for=10.0.0.2") == "10.0.0.2");
    CHECK(client("for=1.2.3.4;for=5.6.7.8") == "10.0.0.1");
    CHECK(client("") == "10.0.0.1");
    // What a client claims cannot hide what our proxy appended.
    CHECK(client("for=\"1.2.3.4, for=198.51.100.1") == "198.51.100.1");
    CHECK(client("for=1.2.3.4;host=\"x\\, for=198.51.100.1;host=\"y\"") == "198.51.100.1");
}
