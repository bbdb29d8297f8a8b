#include "core/server/rehearsal.hpp"

#include "core/conf/load.hpp"
#include "core/server/asked_request.hpp"
#include "core/server/run_tests.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using server::find_listener;

namespace {

// Answers with the name of its location, and says so.
class Named final : public server::Handler {
public:
    server::Verdict handle(server::Exchange& exchange) const override {
        exchange.respond(exchange.location()->settings->name);
        return server::Verdict::Done;
    }
    void foresee(server::Exchange& exchange, server::Outlook& outlook) const override {
        outlook.handler = "named";
        handle(exchange);
    }
};

conf::Settings settings_of(const std::string& text) {
    const auto loaded = conf::load_text("/etc/gantry/gantry.toml", text);
    INFO(loaded.diagnostics.render_text());
    REQUIRE(loaded.settings);
    return *loaded.settings;
}

std::shared_ptr<const server::Generation> generation_of(const std::string& text) {
    server::Problems problems;
    auto generation = server::Generation::build(
        settings_of(text), [](const server::HandlerScope&) { return std::make_unique<Named>(); }, {},
        problems);
    REQUIRE(generation != nullptr);
    return generation;
}

const std::string kListeners =
    "[listener.web]\naddress = [\"127.0.0.1:8080\", \"[::1]:80\"]\n"
    "[listener.safe]\naddress = \"127.0.0.1:8443\"\ntls = true\n"
    "[listener.inside]\naddress = \"unix:/run/x\"\n";
const std::string kHost =
    "[host.\"a.test\"]\ncertificate = \"self-signed\"\n"
    "[host.\"a.test\".location.\"/\"]\nrespond = 200\n"
    "[host.\"a.test\".location.\"/a\"]\nrespond = 200\n"
    "[host.\"a.test\".location.\"= /a\"]\nrespond = 200\n"
    "[host.\"a.test\".location.'~^/a']\nrespond = 200\n"
    "[host.\"a.test\".location.'~a$']\nrespond = 200\n"
    "[host.\"a.test\".location.post]\npatterns = [\"/a\"]\npriority = 1\nmethods = [\"POST\"]\nrespond = "
    "200\n";

std::string why(const server::Rehearsed& rehearsed, const std::string& location) {
    for (const server::Unchosen& other : rehearsed.unchosen) {
        if (other.location->name == location) return other.why;
    }
    return "chosen";
}

server::Rehearsed rehearse(server::Rehearsal& rehearsal, const std::string& method, const std::string& url) {
    const auto request = server::request_of(rehearsal.generation().settings(), {method, url, {}, "::1", ""});
    REQUIRE(request);
    return rehearsal.run(*request, server::Thoroughness::Everything);
}

}  // namespace

TEST_CASE("asked_request: the listener is that of the scheme and port", "[server][rehearsal]") {
    const conf::Settings settings = settings_of(kListeners + kHost);
    CHECK(find_listener(settings, "", "http", 0) == 0u);
    CHECK(find_listener(settings, "", "http", 8080) == 0u);
    CHECK(find_listener(settings, "", "https", 0) == 1u);  // there is none at 443: the first with TLS
    CHECK(find_listener(settings, "inside", "https", 443) == 2u);
    CHECK(find_listener(settings, "", "http", 8443).error() == "no listener without TLS has port 8443");
    CHECK(find_listener(settings, "x", "http", 0).error() == "there is no listener \"x\"");
}

TEST_CASE("asked_request: a head as a client would send it", "[server][rehearsal]") {
    const conf::Settings settings = settings_of(kListeners + kHost);
    const auto head = [&](const std::string& url, server::AskedRequest asked = {}) {
        asked.url = url;
        const auto request = server::request_of(settings, asked);
        return request ? request->head : request.error();
    };
    CHECK(head("http://a.test") == "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    CHECK(head("https://A.test:8443/x?y#z") == "GET /x?y HTTP/1.1\r\nHost: A.test:8443\r\n\r\n");
    CHECK(head("http://a.test?y") == "GET /?y HTTP/1.1\r\nHost: a.test\r\n\r\n");
    CHECK(head("/x?u=http://b/") == "GET /x?u=http://b/ HTTP/1.1\r\n\r\n");
    server::AskedRequest asked;
    asked.headers = {{"host", "b.test"}, {"X", "1"}};
    CHECK(head("http://a.test/", asked) == "GET / HTTP/1.1\r\nhost: b.test\r\nX: 1\r\n\r\n");
    asked.headers = {{"X", "1\r\nY: 2"}};
    CHECK(head("http://a.test/", asked) == "there is a line break in the request");
}

TEST_CASE("rehearsal: says who answers, and why not the others", "[server][rehearsal]") {
    server::Rehearsal rehearsal(generation_of(kListeners + kHost));
    const server::Rehearsed exact = rehearse(rehearsal, "GET", "http://a.test/a");
    CHECK(exact.body == "= /a");
    CHECK(exact.outlook.handler == "named");
    CHECK(why(exact, "= /a") == "chosen");
    CHECK(why(exact, "/") == "= /a is an exact path and looked at before");
    CHECK(why(exact, "~^/a") == "= /a is an exact path and looked at before");
    CHECK(why(exact, "post") == "the method is none of POST");

    const server::Rehearsed expression = rehearse(rehearsal, "GET", "http://a.test/aba");
    CHECK(expression.body == "~^/a");
    CHECK(why(expression, "~a$") == "~^/a stands before it");
    CHECK(why(expression, "/a") == "~^/a is an expression and looked at before");
    CHECK(why(expression, "= /a") == "its pattern is not that of the path");

    const server::Rehearsed first = rehearse(rehearsal, "POST", "http://a.test/a");
    CHECK(first.body == "post");
    CHECK(why(first, "= /a") == "its priority is 0, that of /a is 1");
}

TEST_CASE("rehearsal: what is refused before routing", "[server][rehearsal]") {
    server::Rehearsal rehearsal(generation_of(kListeners + kHost));
    const server::Rehearsed rehearsed = rehearsal.run({0, "GET / HTTP/1.1\r\n\r\n", {}});
    CHECK(rehearsed.is_head_refused);
    CHECK(rehearsed.status == 400);
    CHECK(rehearsed.location == nullptr);
    CHECK(rehearsed.decided.line == 1);
    CHECK(rehearsal.run({0, "GET / HTTP/1.1\r\n", {}}).is_head_incomplete);
    // It is as new afterwards.
    CHECK(rehearse(rehearsal, "GET", "http://a.test/").body == "/");
}

TEST_CASE("run_tests: each expectation that does not hold is a problem", "[server][rehearsal]") {
    const auto problems_of = [](const std::string& expect) {
        server::Problems problems;
        server::run_tests(
            generation_of(kListeners + kHost + "[[test]]\nrequest = \"GET http://a.test/a\"\nexpect = {" +
                          expect + "}\n"),
            problems);
        return problems;
    };
    CHECK(problems_of("status = 200, location = \"= /a\", path = \"/a\"").empty());
    const auto problems = problems_of("status = 404, location = \"/\"");
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].message == "this test fails: the status of GET http://a.test/a would be 200, not 404");
    CHECK(problems[1].message ==
          "this test fails: the location of GET http://a.test/a would be \"= /a\", not \"/\"");
    CHECK(problems[1].place.line == 27);
}
