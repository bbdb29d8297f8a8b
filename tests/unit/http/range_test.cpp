#include "core/http/range.hpp"

#include "core/http/multipart_ranges.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

std::string describe(const RangeSet& set) {
    if (set.kind == RangeSet::Kind::Ignore) return "ignore";
    if (set.kind == RangeSet::Kind::Unsatisfiable) return "unsatisfiable";
    std::string text;
    for (std::size_t i = 0; i < set.count; ++i) {
        if (i > 0) text += ",";
        text += std::to_string(set.ranges[i].first) + "-" + std::to_string(set.ranges[i].last);
    }
    return text;
}

}  // namespace

TEST_CASE("range: which part of the content is asked for", "[http]") {
    struct Row {
        const char* value;
        std::uint64_t size;
        const char* expected;
    };
    const Row rows[] = {
        {"bytes=0-499", 1000, "0-499"},
        {"bytes=500-", 1000, "500-999"},
        {"bytes=-300", 1000, "700-999"},
        {"bytes=-3000", 1000, "0-999"},
        {"bytes=0-0", 1000, "0-0"},
        {"bytes=999-999", 1000, "999-999"},
        {"bytes=0-4999", 1000, "0-999"},
        {"BYTES=0-1", 1000, "0-1"},
        {"bytes= 0-1 , 4 - 5 ,, -1", 1000, "0-1,4-5,999-999"},
        {"bytes=5-6,0-1", 1000, "5-6,0-1"},
        {"bytes=0-1,2000-3000", 1000, "0-1"},
        {"bytes=0-99999999999999999999999", 1000, "0-999"},
        {"bytes=-99999999999999999999999", 1000, "0-999"},
        {"bytes=1000-", 1000, "unsatisfiable"},
        {"bytes=1000-2000", 1000, "unsatisfiable"},
        {"bytes=99999999999999999999999-", 1000, "unsatisfiable"},
        {"bytes=-0", 1000, "unsatisfiable"},
        {"bytes=0-", 0, "unsatisfiable"},
        {"bytes=-5", 0, "unsatisfiable"},
        {"bytes=0-18446744073709551615", 18446744073709551615u, "0-18446744073709551614"},
        {"bytes=1-0", 1000, "ignore"},
        {"bytes=0-1,5-4", 1000, "ignore"},
        {"bytes=", 1000, "ignore"},
        {"bytes=,", 1000, "ignore"},
        {"bytes=-", 1000, "ignore"},
        {"bytes=1", 1000, "ignore"},
        {"bytes=a-b", 1000, "ignore"},
        {"bytes=0-1x", 1000, "ignore"},
        {"bytes=--1", 1000, "ignore"},
        {"bytes=+0-1", 1000, "ignore"},
        {"bytes=0-1;2-3", 1000, "ignore"},
        {"bytes 0-1", 1000, "ignore"},
        {"bytes:0-1", 1000, "ignore"},
        {"lines=0-1", 1000, "ignore"},
        {"", 1000, "ignore"},
    };
    for (const Row& row : rows) {
        INFO(row.value);
        CHECK(describe(parse_range(row.value, row.size)) == row.expected);
    }
}

TEST_CASE("range: many or overlapping ranges are not worth their work", "[http]") {
    std::string sixteen = "bytes=0-0";
    for (int i = 1; i < 16; ++i) sixteen += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
    CHECK(parse_range(sixteen, 1000).count == 16);
    CHECK(describe(parse_range(sixteen + ",100-100", 1000)) == "ignore");
    CHECK(describe(parse_range(sixteen + ",9000-9000", 1000)) == "ignore");
    CHECK(describe(parse_range("bytes=0-,0-", 1000)) == "ignore");
    CHECK(describe(parse_range("bytes=0-599,500-899", 1000)) == "0-599,500-899");
    CHECK(describe(parse_range("bytes=0-599,500-900", 1000)) == "ignore");
    CHECK(describe(parse_range("bytes=0-,0-,0-", 18446744073709551615u)) == "ignore");
}

TEST_CASE("range: Content-Range", "[http]") {
    Arena arena;
    CHECK(content_range({0, 499}, 1234, arena) == "bytes 0-499/1234");
    CHECK(unsatisfied_range(1234, arena) == "bytes */1234");
}

TEST_CASE("range: the frame around several parts has the length that it says", "[http]") {
    Arena arena;
    const std::string content = "0123456789";
    const RangeSet set = parse_range("bytes=0-1,-2,4-4", content.size());
    REQUIRE(set.count == 3);
    const MultipartRanges frame(set, content.size(), "text/plain", 0x0123456789abcdef, arena);
    CHECK(frame.content_type() == "multipart/byteranges; boundary=0123456789abcdef");
    std::string body;
    for (std::size_t i = 0; i < frame.parts(); ++i) {
        body += frame.part_head(i);
        body += content.substr(set.ranges[i].first, set.ranges[i].size());
    }
    body += frame.end();
    CHECK(body.size() == frame.content_length());
    CHECK(body ==
          "--0123456789abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
          "--0123456789abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n"
          "--0123456789abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes 4-4/10\r\n\r\n4\r\n"
          "--0123456789abcdef--\r\n");
    const MultipartRanges untyped(set, content.size(), "", 1, arena);
    CHECK(untyped.part_head(0) == "--0000000000000001\r\nContent-Range: bytes 0-1/10\r\n\r\n");
}
