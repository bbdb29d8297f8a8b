// Routes of the control API: the face, and what a fake host makes of them.
#include "entry.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using gantry::json::List;
using gantry::json::Object;

// One of them is mounted by the next load.
const char* odd_path = nullptr;
std::optional<gantry::Reply> kept;
gantry_result_t second = GANTRY_OK;

struct Desk : test::WithKey<Desk> {
    static std::unique_ptr<Desk> prepare(gantry::Scope& top, Desk* old) {
        auto desk = std::make_unique<Desk>();
        desk->number = old == nullptr ? 1 : old->number + 1;
        desk->host = &top.host();
        return desk;
    }
    ~Desk() { kept.reset(); }

    void control(gantry::Routes<Desk>& routes) {
        routes.get("show", &Desk::show);
        routes.post("later", &Desk::later, 2s);
        routes.get("garbage", &Desk::garbage);
        routes.get("twice", &Desk::twice);
        routes.get("thrown", &Desk::thrown);
        if (odd_path != nullptr) routes.get(odd_path, &Desk::show);
    }
    void show(gantry::Call call) {
        call.answer(Object()
                        .add("number", number)
                        .add("path", call.path())
                        .add("who", call.text("who"))
                        .add("all", call.flag("all")),
                    201);
    }
    void later(gantry::Call call) { kept = call.reply(); }
    void garbage(gantry::Call call) { second = call.answer_text(call.text("text"), 200); }
    void twice(gantry::Call call) {
        call.refuse(409, "not \"now\"", "wait");
        second = call.answer(Object());
    }
    void thrown(gantry::Call) { throw std::runtime_error("no"); }

    int number = 0;
    const gantry::Host* host = nullptr;
};

void load(gantry::fake::Host& host) {
    GANTRY_CHECK(host.load(test::entry<gantry::State<Desk>, gantry::Control<Desk>>()));
    GANTRY_CHECK(host.reload());
}

void test_a_call() {
    gantry::fake::Host host;
    load(host);
    const auto call = host.call("GET", "show", {{"who", "me"}, {"all", true}});
    GANTRY_CHECK_EQUAL(call.status(), 201U);
    GANTRY_CHECK_EQUAL(call.body(), R"({"number":1,"path":"show","who":"me","all":true})");
    GANTRY_CHECK_EQUAL(host.call("POST", "show").status(), 404U);
    GANTRY_CHECK_EQUAL(host.call("GET", "nothing").status(), 404U);
}

void test_a_refusal_and_one_answer_alone() {
    gantry::fake::Host host;
    load(host);
    const auto call = host.call("GET", "twice");
    GANTRY_CHECK_EQUAL(call.status(), 409U);
    GANTRY_CHECK_EQUAL(call.body(), R"({"error":"not \"now\"","remedy":"wait"})");
    GANTRY_CHECK_EQUAL(second, GANTRY_ERROR_STALE);
}

void test_an_answer_later_keeps_its_instance() {
    gantry::fake::Host host;
    load(host);
    const auto call = host.call("POST", "later");
    GANTRY_CHECK(!call.is_answered());
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.instances(), 2U);
    GANTRY_CHECK_EQUAL(host.call("GET", "show").body(), R"({"number":2,"path":"show","who":"","all":false})");
    std::thread([reply = *kept] { reply.answer(Object().add("from", "elsewhere")); }).join();
    GANTRY_CHECK_EQUAL(call.body(), R"({"from":"elsewhere"})");
    host.run();
    GANTRY_CHECK_EQUAL(host.instances(), 1U);
}

void test_a_deadline() {
    gantry::fake::Host host;
    load(host);
    const auto call = host.call("POST", "later");
    host.advance(1999ms);
    GANTRY_CHECK(!call.is_answered());
    host.advance(1ms);
    GANTRY_CHECK_EQUAL(call.status(), 504U);
    GANTRY_CHECK_EQUAL(kept->answer(Object()), GANTRY_ERROR_STALE);
}

void test_what_is_thrown() {
    gantry::fake::Host host;
    load(host);
    GANTRY_CHECK_EQUAL(host.call("GET", "thrown").status(), 500U);
}

void test_what_is_no_json_object() {
    gantry::fake::Host host;
    load(host);
    for (const char* text : {"[]", "1", "{", "{\"a\"}", "{\"a\":01}", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}",
                             "{\"a\":\"\\x\"}", "{} {}", "{\"a\":1,}", "{\"a\":tru}", "{\"a\":1.}"}) {
        host.expect_violations();
        GANTRY_CHECK_EQUAL(host.call("GET", "garbage", {{"text", text}}).status(), 500U);
        GANTRY_CHECK_EQUAL(second, GANTRY_ERROR_ARGUMENT);
    }
    for (const char* text :
         {" {} ", "{\"a\":[1,-2.5e+3,null,{}],\"b\":\"\\u00e9\\n\"}", "{\"\xc3\xa9\":true}"}) {
        GANTRY_CHECK_EQUAL(host.call("GET", "garbage", {{"text", text}}).status(), 200U);
    }
}

void test_what_is_never_answered() {
    gantry::fake::Host host;
    load(host);
    host.expect_violations();
    host.call("POST", "later");
}

void test_a_route_that_is_none() {
    for (const char* path : {"show", "", "/a", "a/", "a b", "a?b"}) {
        gantry::fake::Host host;
        odd_path = path;
        GANTRY_CHECK(host.load(test::entry<gantry::State<Desk>, gantry::Control<Desk>>()));
        GANTRY_CHECK(!host.reload());
        GANTRY_CHECK_EQUAL(host.errors().size(), 1U);
    }
    odd_path = nullptr;
}

void test_json() {
    GANTRY_CHECK_EQUAL(Object().text(), "{}");
    GANTRY_CHECK_EQUAL(List().text(), "[]");
    GANTRY_CHECK_EQUAL(List().add(1).add(-2L).add(true).add(0.5).add("a").text(), R"([1,-2,true,0.5,"a"])");
    GANTRY_CHECK_EQUAL(Object().add("o", Object().add("l", List().add(List()))).text(),
                       R"({"o":{"l":[[]]}})");
    GANTRY_CHECK_EQUAL(Object().add("\"\\", std::string("a\n\0b", 4)).text(),
                       "{\"\\\"\\\\\":\"a\\u000a\\u0000b\"}");
    GANTRY_CHECK_EQUAL(List().add("\xc3\xa9\xff\xed\xa0\x80\xf0\x9f\x98\x80\xe2\x82").text(),
                       "[\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf"
                       "\xbd\xef\xbf\xbd\"]");
    GANTRY_CHECK_EQUAL(List().add(1.0 / 0.0).text(), "[null]");
}

}  // namespace

int main() {
    test_a_call();
    test_a_refusal_and_one_answer_alone();
    test_an_answer_later_keeps_its_instance();
    test_a_deadline();
    test_what_is_thrown();
    test_what_is_no_json_object();
    test_what_is_never_answered();
    test_a_route_that_is_none();
    test_json();
    return gantry::fake::result();
}
