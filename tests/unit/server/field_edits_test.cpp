#include "core/server/field_edits.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/server/source_fixture.hpp"

using namespace gantry;
using namespace gantry::server;

namespace {

FieldEdits built(const conf::FieldEdits& edits, Stage stage = Stage::Request) {
    Problems problems;
    FieldEdits made = FieldEdits::build(edits, stage, {}, problems);
    REQUIRE(problems.empty());
    return made;
}

std::string text_of(const http::Headers& headers) {
    std::string text;
    for (const http::Field& field : headers)
        text += std::string(field.name) + ": " + std::string(field.value) + "\n";
    return text;
}

}  // namespace

TEST_CASE("field_edits: remove, then set, then add", "[server][field_edits]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::RemoteAddr, "192.0.2.1");
    http::Headers headers(arena);
    headers.add("X-Powered-By", "php");
    headers.add("Server", "apache");
    headers.add("x-powered-by", "more");
    headers.add("X-Keep", "1");
    const FieldEdits edits = built({{"X-Powered-By"},
                                    {{"server", {"gantry", {}}}, {"X-Real", {"${remote_addr}", {}}}},
                                    {{"X-Keep", {"2", {}}}, {"X-Powered-By", {"wind", {}}}}});
    edits.apply(headers, source, arena);
    CHECK(text_of(headers) ==
          "X-Keep: 1\nserver: gantry\nX-Real: 192.0.2.1\nX-Keep: 2\nX-Powered-By: wind\n");
    CHECK(headers.value(http::HeaderId::Server) == "gantry");
    CHECK(FieldEdits().empty());
    CHECK_FALSE(edits.empty());
}

TEST_CASE("field_edits: an empty value makes no field", "[server][field_edits]") {
    Arena arena;
    const TestSource source;
    http::Headers headers(arena);
    headers.add("X-A", "old");
    const FieldEdits edits = built({{}, {{"X-A", {"${header.x-b}", {}}}}, {{"X-C", {" ${query.c} ", {}}}}});
    edits.apply(headers, source, arena);
    CHECK(headers.empty());
}

TEST_CASE("field_edits: a value cannot smuggle a field", "[server][field_edits]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::QueryValue, "x\r\nSet-Cookie: evil=1", "v");
    http::Headers headers(arena);
    const FieldEdits edits = built({{}, {{"X-V", {"${query.v}", {}}}}, {}});
    edits.apply(headers, source, arena);
    CHECK(text_of(headers) == "X-V: x  Set-Cookie: evil=1\n");
}

TEST_CASE("field_edits: mistakes are problems with a place", "[server][field_edits]") {
    conf::Place place;
    place.line = 9;
    Problems problems;
    FieldEdits::build(
        {{"Transfer-Encoding", "a b"},
         {{"Content-Length", {"1", place}}, {"X", {"${hots}", place}}, {"Y", {"${status}", place}}},
         {{"", {"1", place}}, {"Z", {"a\nb", place}}, {"Connection", {"x", place}}}},
        Stage::Request, {}, problems);
    REQUIRE(problems.size() == 8);
    CHECK(problems[2].place.line == 9);
    CHECK(problems[3].message == "unknown variable \"hots\"");
    CHECK(problems[3].hint == "did you mean \"host\"?");
    CHECK(problems[6].offset == 1);
    problems.clear();
    FieldEdits::build({{}, {{"Y", {"${status}", place}}}, {}}, Stage::Response, {}, problems);
    CHECK(problems.empty());
}
