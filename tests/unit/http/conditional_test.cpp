#include "core/http/conditional.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

constexpr std::int64_t kModified = 784111777;
constexpr const char* kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kLater = "Sun, 06 Nov 1994 08:49:38 GMT";

Condition judge(Method method, std::initializer_list<std::pair<HeaderId, const char*>> fields,
                Validators validators = {"\"a\"", kModified}) {
    Arena arena;
    RequestHead head(arena);
    head.method = method;
    for (const auto& [id, value] : fields) head.headers.add(id, value);
    return evaluate_conditions(head, validators);
}

bool applies(const char* if_range, Validators validators = {"\"a\"", kModified}) {
    Arena arena;
    RequestHead head(arena);
    head.headers.add(HeaderId::IfRange, if_range);
    return range_applies(head, validators);
}

constexpr auto kMatch = HeaderId::IfMatch;
constexpr auto kNone = HeaderId::IfNoneMatch;
constexpr auto kSince = HeaderId::IfModifiedSince;
constexpr auto kUnless = HeaderId::IfUnmodifiedSince;

}  // namespace

TEST_CASE("conditional: entity tags compare strongly and weakly", "[http]") {
    CHECK(etags_match("\"1\"", "\"1\"", true));
    CHECK(etags_match("\"1\"", "\"1\"", false));
    CHECK_FALSE(etags_match("W/\"1\"", "W/\"1\"", true));
    CHECK(etags_match("W/\"1\"", "W/\"1\"", false));
    CHECK_FALSE(etags_match("W/\"1\"", "W/\"2\"", false));
    CHECK_FALSE(etags_match("W/\"1\"", "\"1\"", true));
    CHECK(etags_match("W/\"1\"", "\"1\"", false));
    CHECK_FALSE(etags_match("", "", false));
}

TEST_CASE("conditional: If-None-Match", "[http]") {
    CHECK(judge(Method::Get, {}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kNone, "\"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Head, {{kNone, "W/\"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Put, {{kNone, "\"a\""}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kNone, "\"b\", \"x,y\" ,, W/\"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kNone, "\"b\""}, {kNone, "\"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kNone, "*"}}) == Condition::NotModified);
    CHECK(judge(Method::Put, {{kNone, " * "}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kNone, "\"b\""}}) == Condition::Proceed);
    for (const char* bad :
         {"", "a", "\"a", "a\"", "\"b\" \"a\"", "w/\"a\"", "W/a", "\"b\\\",\"a", "x, \"a\""}) {
        INFO(bad);
        CHECK(judge(Method::Get, {{kNone, bad}}) == Condition::Proceed);
    }
    // A backslash escapes nothing in an entity tag.
    CHECK(judge(Method::Get, {{kNone, "\"b\\\", \"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kNone, "\"\""}}, {"", 0}) == Condition::Proceed);
}

TEST_CASE("conditional: If-Match compares strongly", "[http]") {
    CHECK(judge(Method::Put, {{kMatch, "\"a\""}}) == Condition::Proceed);
    CHECK(judge(Method::Put, {{kMatch, "\"b\", \"a\""}}) == Condition::Proceed);
    CHECK(judge(Method::Put, {{kMatch, "*"}}) == Condition::Proceed);
    CHECK(judge(Method::Put, {{kMatch, "W/\"a\""}}) == Condition::Failed);
    CHECK(judge(Method::Put, {{kMatch, "\"b\""}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kMatch, "rubbish"}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kMatch, "W/\"a\""}}, {"W/\"a\"", 0}) == Condition::Failed);
}

TEST_CASE("conditional: dates", "[http]") {
    CHECK(judge(Method::Get, {{kSince, kSame}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kSince, kLater}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kSince, kEarlier}}) == Condition::Proceed);
    CHECK(judge(Method::Post, {{kSince, kSame}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kSince, "yesterday"}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kSince, kSame}}, {"", 0}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kUnless, kSame}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kUnless, kEarlier}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kUnless, "yesterday"}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kUnless, kEarlier}}, {"", 0}) == Condition::Proceed);
}

TEST_CASE("conditional: entity tags are judged before and instead of dates", "[http]") {
    CHECK(judge(Method::Get, {{kNone, "\"b\""}, {kSince, kSame}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kNone, "\"a\""}, {kSince, kEarlier}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kMatch, "\"a\""}, {kUnless, kEarlier}}) == Condition::Proceed);
    CHECK(judge(Method::Get, {{kMatch, "\"a\""}, {kNone, "\"a\""}}) == Condition::NotModified);
    CHECK(judge(Method::Get, {{kMatch, "\"b\""}, {kNone, "\"a\""}}) == Condition::Failed);
    CHECK(judge(Method::Get, {{kUnless, kEarlier}, {kNone, "\"a\""}}) == Condition::Failed);
}

TEST_CASE("conditional: If-Range needs the very same representation", "[http]") {
    Arena arena;
    CHECK(range_applies(RequestHead(arena), {"\"a\"", kModified}));
    CHECK(applies("\"a\""));
    CHECK(applies(kSame));
    CHECK_FALSE(applies("\"b\""));
    CHECK_FALSE(applies("W/\"a\""));
    CHECK_FALSE(applies("\"a\", \"b\""));
    CHECK_FALSE(applies("a"));
    CHECK_FALSE(applies(""));
    CHECK_FALSE(applies(kEarlier));
    CHECK_FALSE(applies(kLater));
    CHECK_FALSE(applies("W/\"a\"", {"W/\"a\"", 0}));
    CHECK_FALSE(applies("Thu, 01 Jan 1970 00:00:00 GMT", {"", 0}));
}
