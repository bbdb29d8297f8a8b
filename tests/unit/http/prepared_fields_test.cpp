#include "core/http/prepared_fields.hpp"

#include "core/http/h1_writer.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

TEST_CASE("prepared_fields: text and values, in the order in which they were added", "[http]") {
    PreparedFields fields;
    fields.add(HeaderId::ContentType, "text/html");
    fields.add(HeaderId::Etag, "\"1\"");
    CHECK(fields.text() == "Content-Type: text/html\r\nETag: \"1\"\r\n");
    CHECK(fields.value(HeaderId::Etag) == "\"1\"");
    CHECK(fields.value(HeaderId::Vary).empty());

    Arena arena;
    Headers headers(arena);
    fields.append_to(headers);
    REQUIRE(headers.size() == 2);
    CHECK(headers.at(0).name == "Content-Type");
    CHECK(headers.value(HeaderId::ContentType) == "text/html");
    CHECK(headers.value(HeaderId::Etag) == "\"1\"");
}

TEST_CASE("prepared_fields: a value cannot end its line", "[http]") {
    PreparedFields fields;
    fields.add(HeaderId::CacheControl, "a\r\nSet-Cookie: b\0c"sv);
    CHECK(fields.text() == "Cache-Control: a  Set-Cookie: b c\r\n");
}

TEST_CASE("h1_writer: prepared fields stand behind the others and before the framing", "[http][h1]") {
    BlockPool pool;
    Arena arena;
    Chain chain(pool);
    PreparedFields fields;
    fields.add(HeaderId::AcceptRanges, "bytes");
    ResponseHead head(arena);
    head.body = BodyKind::Length;
    head.content_length = 3;
    head.headers.add(HeaderId::Vary, "Accept");
    head.prepared = &fields;
    write_response_head(head, Version::Http11, true, "", false, chain);
    REQUIRE(chain.segments() == 1);
    CHECK(chain.front().view() ==
          "HTTP/1.1 200 OK\r\nVary: Accept\r\nAccept-Ranges: bytes\r\nContent-Length: 3\r\n\r\n");
}
