#include "core/cli/answer_text.hpp"

#include "tests/support/catch.hpp"

#include <boost/json/parse.hpp>

namespace {

std::string shown(std::string_view json) {
    return gantry::cli::answer_text(boost::json::parse(json).as_object());
}

}  // namespace

TEST_CASE("answer_text: members are lines", "[cli]") {
    CHECK(shown(R"({})").empty());
    CHECK(shown(R"({"a": "b", "n": 3, "t": true, "x": null, "o": {"p": 1}})") ==
          "a: b\nn: 3\nt: true\nx: -\no: {\"p\":1}\n");
    CHECK(shown(R"({"list": ["a", 1], "none": []})") == "list: a, 1\nnone: none\n");
}

TEST_CASE("answer_text: objects in a list are a table", "[cli]") {
    CHECK(shown(R"({"bans": [{"rule": "login", "key": "1.2.3.4"}, {"rule": "a", "left": 5}]})") ==
          "rule   key      left\nlogin  1.2.3.4  -\na      -        5\n");
    CHECK(shown(R"({"more": true, "bans": [{"rule": "\u00e9"}]})") == "more: true\nbans:\nrule\n\u00e9\n");
    CHECK(shown(R"({"mixed": [{"a": 1}, 2]})") == "mixed: {\"a\":1}, 2\n");
}

TEST_CASE("answer_text: a text of its own is printed", "[cli]") {
    CHECK(shown(R"({"text": "in words", "n": 3})") == "in words\n");
    CHECK(shown(R"({"text": 3})") == "text: 3\n");
}

TEST_CASE("answer_text: a terminal is left alone", "[cli]") {
    CHECK(shown(R"({"text": "a\u001b[2J\nb\u0007\u009b"})") == "a\\x1b[2J\nb\\x07\\xc2\\x9b\n");
    CHECK(shown(R"({"a\nb": "c\nd\r"})") == "a b: c d\\x0d\n");
}
