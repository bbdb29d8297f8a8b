#include "core/control/api.hpp"

#include "tests/support/catch.hpp"

#include <boost/json/serialize.hpp>
#include <optional>

using gantry::control::Api;
using gantry::control::Caller;
using gantry::control::Reply;
using gantry::control::Request;
using gantry::http::Method;

namespace {

Reply ask(const Api& api, Method method, std::string_view path, std::string_view body = "") {
    std::optional<Reply> out;
    api.handle({method, std::string(path), "", {}, Caller{7, 8}}, body,
               [&](Reply reply) { out = std::move(reply); });
    REQUIRE(out);
    return *out;
}

Api echo() {
    Api api;
    api.add(Method::Post, "/v1/echo", [](const Request& request, const gantry::control::Answer& answer) {
        answer({200, {{"body", request.body}, {"pid", request.caller.pid}}});
    });
    return api;
}

}  // namespace

TEST_CASE("a route gets the object that was sent") {
    const Reply reply = ask(echo(), Method::Post, "/v1/echo", R"({"a": [1, 2]})");
    CHECK(reply.status == 200);
    CHECK(boost::json::serialize(reply.body) == R"({"body":{"a":[1,2]},"pid":7})");
}

TEST_CASE("no body is an empty object") {
    CHECK(boost::json::serialize(ask(echo(), Method::Post, "/v1/echo").body) == R"({"body":{},"pid":7})");
}

TEST_CASE("what is not known is refused with what is") {
    const Reply nothing = ask(echo(), Method::Get, "/v1/nothing");
    CHECK(nothing.status == 404);
    CHECK(nothing.body.at("error").as_string() == "there is no /v1/nothing");
    CHECK(nothing.body.at("remedy").as_string() == "these are known: POST /v1/echo");
    CHECK(ask(echo(), Method::Get, "/v1/echo").status == 405);
    CHECK(ask(echo(), Method::Other, "/v1/echo").status == 405);
}

TEST_CASE("what is not a JSON object is refused") {
    for (const std::string_view body : {"[]", "1", "{", "{\"a\":1} x", "nul", "\xff"}) {
        CHECK(ask(echo(), Method::Post, "/v1/echo", body).status == 400);
    }
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep.append("[");
    CHECK(ask(echo(), Method::Post, "/v1/echo", "{\"a\":" + deep).status == 400);
}
