#include "core/http/headers.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

TEST_CASE("headers: fields keep their order and are found by id and by name", "[http]") {
    Arena arena;
    Headers headers(arena);
    CHECK(headers.empty());
    CHECK(headers.find(HeaderId::Host) == nullptr);
    headers.add("X-One", "1");
    headers.add("hOst", "a.example");
    headers.add(HeaderId::Accept, "*/*");
    headers.add("x-one", "2");
    REQUIRE(headers.size() == 4);
    CHECK(headers.value(HeaderId::Host) == "a.example");
    CHECK(headers.find("HOST")->name == "hOst");
    CHECK(headers.find("x-ONE")->value == "1");
    CHECK(headers.find(HeaderId::Accept)->name == "Accept");
    CHECK(headers.find("X-Two") == nullptr);
    CHECK(headers.value(HeaderId::Range).empty());
}

TEST_CASE("headers: fields of one name are joined in their order", "[http]") {
    Arena arena;
    Headers headers(arena);
    CHECK(headers.combined(HeaderId::Vary).empty());
    headers.add(HeaderId::Vary, "a");
    CHECK(headers.combined(HeaderId::Vary) == "a");
    headers.add(HeaderId::Age, "1");
    headers.add(HeaderId::Vary, "");
    headers.add("vary", "c");
    CHECK(headers.combined(HeaderId::Vary) == "a, , c");
}

TEST_CASE("headers: set replaces all of that name in the place of the first", "[http]") {
    Arena arena;
    Headers headers(arena);
    headers.add(HeaderId::Vary, "a");
    headers.add("X-A", "1");
    headers.add(HeaderId::Vary, "b");
    headers.add("x-a", "2");
    headers.set(HeaderId::Vary, "c");
    headers.set("x-A", "3");
    REQUIRE(headers.size() == 2);
    CHECK(headers.at(0).value == "c");
    CHECK(headers.at(1).value == "3");
    headers.set(HeaderId::Age, "9");
    headers.set("X-New", "n");
    CHECK(headers.value(HeaderId::Age) == "9");
    CHECK(headers.find("x-new")->value == "n");
}

TEST_CASE("headers: removed fields are gone and the others still found", "[http]") {
    Arena arena;
    Headers headers(arena);
    headers.add(HeaderId::Vary, "a");
    headers.add("X-A", "1");
    headers.add(HeaderId::Age, "2");
    headers.add(HeaderId::Vary, "b");
    headers.remove(HeaderId::Vary);
    headers.remove(HeaderId::Etag);
    headers.remove("X-Nothing");
    REQUIRE(headers.size() == 2);
    CHECK_FALSE(headers.has(HeaderId::Vary));
    CHECK(headers.value(HeaderId::Age) == "2");
    headers.remove("age");
    headers.remove("x-A");
    CHECK(headers.empty());
    CHECK_FALSE(headers.has(HeaderId::Age));
    headers.add(HeaderId::Age, "3");
    headers.clear();
    CHECK(headers.empty());
    CHECK(headers.find(HeaderId::Age) == nullptr);
}

TEST_CASE("headers: more than 255 fields are found too", "[http]") {
    Arena arena;
    Headers headers(arena);
    for (int i = 0; i < 300; ++i) headers.add("X-Many", "x");
    headers.add(HeaderId::Age, "1");
    headers.add(HeaderId::Etag, "2");
    headers.add(HeaderId::Etag, "3");
    CHECK(headers.value(HeaderId::Age) == "1");
    CHECK(headers.value(HeaderId::Etag) == "2");
    CHECK(headers.combined(HeaderId::Etag) == "2, 3");
    headers.remove("X-Many");
    REQUIRE(headers.size() == 3);
    CHECK(headers.value(HeaderId::Etag) == "2");
}
