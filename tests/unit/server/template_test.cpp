#include "core/server/template.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/server/source_fixture.hpp"

#include <set>

using namespace gantry;
using namespace gantry::server;

namespace {

Template compiled(std::string_view text, const TemplateScope& scope = {}) {
    auto made = Template::compile(text, scope);
    INFO(text);
    if (!made) INFO(made.error().message);
    REQUIRE(made);
    return std::move(*made);
}

TemplateError error_of(std::string_view text, const TemplateScope& scope = {}) {
    auto made = Template::compile(text, scope);
    INFO(text);
    REQUIRE_FALSE(made);
    return made.error();
}

}  // namespace

TEST_CASE("template: a text without variables is itself, without work", "[server][template]") {
    Arena arena;
    const TestSource source;
    const Template constant = compiled("just text, $5 and 100% of {braces} $");
    CHECK(constant.is_constant());
    CHECK(constant.evaluate(source, arena) == "just text, $5 and 100% of {braces} $");
    CHECK(constant.evaluate(source, arena).data() == constant.evaluate(source, arena).data());
    CHECK(source.asked == 0);
    CHECK(Template().evaluate(source, arena).empty());
    CHECK(compiled("").empty());
}

TEST_CASE("template: variables are put in", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Host, "example.com");
    source.set(VariableId::Path, "/a b");
    source.set(VariableId::QueryValue, "1", "name");
    CHECK(compiled("https://${host}${path}?x=${query.name}").evaluate(source, arena) ==
          "https://example.com/a b?x=1");
    CHECK(compiled("${query.other}").evaluate(source, arena).empty());
    CHECK(compiled("<${query.other}>").evaluate(source, arena) == "<>");
}

TEST_CASE("template: a single variable is not copied", "[server][template]") {
    Arena arena;
    TestSource source;
    static constexpr std::string_view kValue = "example.com";
    source.set(VariableId::Host, kValue);
    CHECK(compiled("${host}").evaluate(source, arena).data() == kValue.data());
}

TEST_CASE("template: two dollars are one, and hide a variable", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Host, "h");
    CHECK(compiled("$${host}").evaluate(source, arena) == "${host}");
    CHECK(compiled("$$$${host}$$").evaluate(source, arena) == "$${host}$");
    CHECK(compiled("$$${host}").evaluate(source, arena) == "$h");
    CHECK(compiled("$host $").evaluate(source, arena) == "$host $");
}

TEST_CASE("template: arguments keep their spelling, but for field names", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Header, "h", "x-api-version");
    source.set(VariableId::Cookie, "c", "Session");
    source.set(VariableId::ResponseHeader, "r", "etag");
    CHECK(compiled("${header.X-Api-Version}").evaluate(source, arena) == "h");
    CHECK(compiled("${cookie.Session}").evaluate(source, arena) == "c");
    CHECK(compiled("${cookie.session}").evaluate(source, arena).empty());
    const TemplateScope response{Purpose::Text, Stage::Response, {}};
    CHECK(compiled("${sent.ETag}${response_header.etag}", response).evaluate(source, arena) == "rr");
}

TEST_CASE("template: a known field comes with its id", "[server][template]") {
    Arena arena;
    TestSource source;
    compiled("${header.User-Agent}").evaluate(source, arena);
    CHECK(source.last.header == http::HeaderId::UserAgent);
    compiled("${header.X-Unheard-Of}").evaluate(source, arena);
    CHECK(source.last.header == http::HeaderId::Other);
}

TEST_CASE("template: more parts than the small array holds", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Host, "h");
    std::string text, expected;
    for (int i = 0; i < 100; ++i) {
        text += "${host},";
        expected += "h,";
    }
    CHECK(compiled(text).evaluate(source, arena) == expected);
}

TEST_CASE("template: mistakes have a place and a remedy", "[server][template]") {
    const TemplateError unknown = error_of("abc ${hots}");
    CHECK(unknown.offset == 4);
    CHECK(unknown.message == "unknown variable \"hots\"");
    CHECK(unknown.hint == "did you mean \"host\"?");
    CHECK(error_of("${quary.id}").hint == "did you mean \"query.id\"?");
    CHECK(error_of("${remote_adr}").hint == "did you mean \"remote_addr\"?");
    CHECK(error_of("${completely_else}").hint.find("did you mean") == std::string::npos);
    CHECK(error_of("${completely_else}").hint.find("variables are host, path") != std::string::npos);
    CHECK(error_of("${request_uri}").hint == "it is called ${uri} here");
    CHECK(error_of("${http_user_agent}").hint.find("${header.User-Agent}") != std::string::npos);
    CHECK(error_of("${remote_user}").hint.find("did you mean") == std::string::npos);
    CHECK(error_of("${NAME:x}").hint.find(":-") != std::string::npos);
    CHECK(error_of("${remote_addr:-x}").hint.find("have defaults") != std::string::npos);
    CHECK(error_of("${HOST}").message == "unknown variable \"HOST\"");
    CHECK(error_of("x${host").offset == 1);
    CHECK(error_of("${}").message == "a variable without a name");
    CHECK(error_of("${header.}").message.find("name behind the dot") != std::string::npos);
    CHECK(error_of("${1}").message.find("no group 1") != std::string::npos);
    CHECK(error_of(std::string(70'000, 'x')).message.find("longer") != std::string::npos);
}

TEST_CASE("template: what is not known yet is refused", "[server][template]") {
    CHECK(error_of("${status}").message == "\"status\" is not known here");
    CHECK(error_of("${bytes_sent}", {Purpose::Text, Stage::Response, {}}).hint.find("access log") !=
          std::string::npos);
    compiled("${status}", {Purpose::Text, Stage::Response, {}});
    compiled("${status} ${bytes_sent} ${host}", {Purpose::Text, Stage::Log, {}});
}

TEST_CASE("template: captures of the expressions in scope", "[server][template]") {
    const auto host = Regex::compile("^(?<project>[a-z]+)\\.");
    const auto location = Regex::compile("^/(?<id>[0-9]+)/(.*)$");
    REQUIRE(host);
    REQUIRE(location);
    const TemplateScope scope{Purpose::Text, Stage::Request, {&*host, nullptr, &*location}};
    Arena arena;
    TestSource source;
    source.set(VariableId::Capture, "shop", "project");
    source.groups[2] = "rest";
    CHECK(compiled("${project}/${2}", scope).evaluate(source, arena) == "shop/rest");
    CHECK(error_of("${projekt}", scope).message == "unknown variable \"projekt\"");
    CHECK(error_of("${3}", scope).message.find("no group 3") != std::string::npos);
    compiled("${0}", scope);
}

TEST_CASE("template: for a URI, values are encoded as far as they have to be", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Path, "/a b?%\r\n");
    source.set(VariableId::Query, "x=1&y=%20\"\r\n");
    const TemplateScope scope{Purpose::Uri, Stage::Request, {}};
    CHECK(compiled("https://h${path}?${query}", scope).evaluate(source, arena) ==
          "https://h/a%20b%3F%25%0D%0A?x=1&y=%20%22%0D%0A");
    CHECK(compiled("<${query}>", scope).evaluate(source, arena).front() == '<');  // its own text stays
}

TEST_CASE("template: for a URI, an encoded slash that the path kept stays one", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::Path, "/a%2Fb/100%");
    TemplateScope scope{Purpose::Uri, Stage::Request, {}};
    CHECK(compiled("${path}", scope).evaluate(source, arena) == "/a%2Fb/100%25");
    scope.encoded_slash = http::EncodedSlash::Decode;
    CHECK(compiled("${path}", scope).evaluate(source, arena) == "/a%252Fb/100%25");
}

TEST_CASE("template: for a field, control bytes become spaces", "[server][template]") {
    Arena arena;
    TestSource source;
    source.set(VariableId::QueryValue, std::string_view("a\r\nX: 1\0\x7f\tb", 11), "v");
    const TemplateScope scope{Purpose::Field, Stage::Request, {}};
    CHECK(compiled("${query.v}", scope).evaluate(source, arena) == "a  X: 1  \tb");
}

TEST_CASE("variable: names are unique and each can be compiled", "[server][variable]") {
    std::set<std::string_view> names;
    for (const VariableInfo& info : all_variables()) {
        INFO(info.name);
        CHECK(names.insert(info.name).second);
        CHECK_FALSE(info.doc.empty());
        CHECK(info.name.ends_with('.') == !info.suffix.empty());
        std::string text = "${" + std::string(info.name) + (info.suffix.empty() ? "" : "x") + "}";
        compiled(text, {Purpose::Text, Stage::Log, {}});
        std::string_view argument;
        CHECK(find_variable(info.name.ends_with('.') ? std::string(info.name) + "x" : std::string(info.name),
                            argument) == &info);
    }
}
