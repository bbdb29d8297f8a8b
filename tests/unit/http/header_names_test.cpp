#include "core/http/header_names.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

TEST_CASE("header_names: every known name is found in any case", "[http]") {
    for (std::size_t i = 1; i < kHeaderIds; ++i) {
        const auto id = static_cast<HeaderId>(i);
        const std::string name{canonical_name(id)};
        std::string upper = name;
        for (char& c : upper) c = static_cast<char>(is_alpha(c) ? c & ~0x20 : c);
        INFO(name);
        CHECK(header_id(name) == id);
        CHECK(header_id(lower_case(name)) == id);
        CHECK(header_id(upper) == id);
    }
}

TEST_CASE("header_names: a name that differs in one byte is unknown", "[http]") {
    for (std::size_t i = 1; i < kHeaderIds; ++i) {
        const std::string name{canonical_name(static_cast<HeaderId>(i))};
        for (std::size_t at = 0; at < name.size(); ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string other = name;
                other[at] = static_cast<char>(c);
                // "Age" and "Via" and the like may become one another only where the text says so.
                const HeaderId id = header_id(other);
                if (id == HeaderId::Other) continue;
                if (!equals_ignore_case(canonical_name(id), other)) FAIL(other);
            }
        }
        CHECK(header_id(name + "x") == HeaderId::Other);
        CHECK(header_id(name.substr(1)) == HeaderId::Other);
    }
    CHECK(header_id("") == HeaderId::Other);
    CHECK(header_id(std::string(100, 'a')) == HeaderId::Other);
    CHECK(header_id("Content\rLength") == HeaderId::Other);
    CHECK(canonical_name(HeaderId::Other).empty());
}
