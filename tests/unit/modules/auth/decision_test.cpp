#include "modules/auth/decision.hpp"

#include "tests/support/catch.hpp"

using namespace auth;

TEST_CASE("decision: what is a yes, what is for the client, and what is nothing", "[auth]") {
    for (const int status : {200, 204, 299}) CHECK(said_by(status) == Said::Yes);
    for (const int status : {301, 302, 303, 307, 308, 401, 403}) CHECK(said_by(status) == Said::No);
    for (const int status : {0, 100, 199, 300, 304, 305, 400, 404, 407, 429, 500, 502, 503, 999})
        CHECK(said_by(status) == Said::Nothing);
}

TEST_CASE("decision: fields of questions and answers", "[auth]") {
    CHECK(may_be_asked_with("Cookie"));
    for (const char* name : {"X-Forwarded-For", "x_forwarded_method", "Host", "connection", "Content-Length",
                             "", "a b", "Expect"})
        CHECK_FALSE(may_be_asked_with(name));
    CHECK(is_handed_over("Set-Cookie"));
    for (const char* name : {"Connection", "transfer-encoding", "Date", "Server", "Upgrade"})
        CHECK_FALSE(is_handed_over(name));
}

TEST_CASE("decision: who it is, by the fields that were named", "[auth]") {
    const DecisionPolicy policy{
        .copied = {"remote-user", "X-None"}, .user = "Remote-User", .groups = "Groups"};
    const FieldList fields{{"Remote-User", "alice"}, {"groups", "a,b"}, {"Groups", " c "}, {"Other", "x"}};
    const Decision yes = decision_of(200, fields, "body", policy);
    REQUIRE(yes.said == Said::Yes);
    CHECK(yes.identity->user == "alice");
    CHECK(yes.identity->groups == std::vector<std::string>{"a", "b", "c"});
    CHECK(yes.identity->fields == FieldList{{"remote-user", "alice"}});
    CHECK((yes.body.empty() && yes.fields.empty() && yes.may_be_shared()));
}

TEST_CASE("decision: what sends elsewhere or sets cookies is for one alone", "[auth]") {
    CHECK(decision_of(401, {{"X", "y"}}, "", {}).may_be_shared());
    CHECK(decision_of(403, {}, "", {}).may_be_shared());
    CHECK(decision_of(500, {}, "", {}).may_be_shared());
    CHECK_FALSE(decision_of(401, {{"set-cookie", "a=b"}}, "", {}).may_be_shared());
    CHECK_FALSE(decision_of(302, {{"Location", "/"}}, "", {}).may_be_shared());
    const Decision no = decision_of(302, {{"Location", "/"}, {"Connection", "close"}}, "text", {});
    CHECK((no.body == "text" && no.fields == FieldList{{"Location", "/"}}));
    CHECK(decision_of(404, {}, "", {}).why == "it answers 404");
}
