#include "core/base/text.hpp"

#include "tests/support/catch.hpp"

#include <memory>
#include <vector>

using namespace gantry;

TEST_CASE("text: lower case of every byte at every place", "[base][text]") {
    for (std::size_t size = 0; size <= 20; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string text(size, 'Q');
                text[at] = static_cast<char>(byte);
                std::string expected(size, 'q');
                expected[at] = to_lower(static_cast<char>(byte));
                if (lower_case(text) == expected) continue;
                INFO(size << " " << at << " " << byte);
                REQUIRE(lower_case(text) == expected);
            }
        }
        // Exactly the room that is promised.
        const std::unique_ptr<char[]> room(new char[size]);
        lower_case_into(room.get(), std::string(size, 'X'));
        CHECK(std::string_view(room.get(), size) == std::string(size, 'x'));
    }
}

TEST_CASE("text: comparisons without case", "[base][text]") {
    CHECK(equals_ignore_case("Content-Type", "content-TYPE"));
    CHECK_FALSE(equals_ignore_case("a", "ab"));
    CHECK_FALSE(equals_ignore_case("@", "`"));  // 0x40 and 0x60: no letters
    CHECK(starts_with_ignore_case("GZIP;q=1", "gzip"));
    CHECK_FALSE(starts_with_ignore_case("gz", "gzip"));
}

TEST_CASE("text: decimal numbers are digits without overflow", "[base][text]") {
    CHECK(parse_decimal("0") == 0u);
    CHECK(parse_decimal("18446744073709551615") == 18446744073709551615u);
    for (const char* text :
         {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "99999999999999999999", "0x1"}) {
        INFO(text);
        CHECK_FALSE(parse_decimal(text));
    }
}

TEST_CASE("text: elements of lists", "[base][text]") {
    const auto elements = [](std::string_view list) {
        std::vector<std::string> found;
        for_each_element(list, [&](std::string_view element) {
            found.emplace_back(element);
            return true;
        });
        return found;
    };
    CHECK(elements("a, b ,,\tc") == std::vector<std::string>{"a", "b", "c"});
    CHECK(elements("").empty());
    CHECK(elements(" , ,").empty());
    CHECK(elements("a;x=\"1,2\", b") == std::vector<std::string>{"a;x=\"1,2\"", "b"});
    CHECK(elements("\"a\\\",b\", c") == std::vector<std::string>{"\"a\\\",b\"", "c"});
    CHECK(elements("\"open, c") == std::vector<std::string>{"\"open, c"});
    CHECK(elements("\"open\\").size() == 1);
}
