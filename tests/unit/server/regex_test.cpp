#include "core/server/regex.hpp"

#include "core/base/clock.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace gantry;
using namespace gantry::server;

namespace {

Regex compiled(std::string_view pattern, Case letters = Case::Sensitive) {
    auto regex = Regex::compile(pattern, letters);
    INFO(pattern);
    REQUIRE(regex);
    return std::move(*regex);
}

}  // namespace

TEST_CASE("regex: matches anywhere unless anchored", "[server][regex]") {
    CHECK(compiled("b+").match("abbc") == Matched::Yes);
    CHECK(compiled("^b").match("abbc") == Matched::No);
    CHECK(compiled("").match("") == Matched::Yes);
    CHECK(compiled("x").match(std::string_view()) == Matched::No);
    CHECK(compiled("\\.php$").match("/index.php") == Matched::Yes);
    CHECK(compiled("\\.php$").match("/index.php\n") == Matched::No);  // "$" is the very end
    CHECK(compiled("^ABC$").match("abc") == Matched::No);
    CHECK(compiled("^ABC$", Case::Ignore).match("abc") == Matched::Yes);
    CHECK(compiled("^.$").match("\xff") == Matched::Yes);  // bytes, not characters
}

TEST_CASE("regex: captures by number and by name", "[server][regex]") {
    const Regex regex = compiled("^(?<project>[a-z]+)(?:-(?<branch>[a-z]+))?\\.example\\.(com|org)$");
    Arena arena;
    Captures captures;
    const std::string_view subject = "shop-main.example.org";
    REQUIRE(regex.match(subject, arena, captures) == Matched::Yes);
    CHECK(regex.groups() == 3);
    CHECK(captures.size() == 4);
    CHECK(captures.group(0) == subject);
    CHECK(captures.group(1) == "shop");
    CHECK(captures.group(1).data() == subject.data());
    CHECK(captures.group(3) == "org");
    CHECK(captures.group(4).empty());
    std::string_view value;
    CHECK(captures.find("branch", value));
    CHECK(value == "main");
    CHECK_FALSE(captures.find("nothing", value));

    REQUIRE(regex.match("shop.example.com", arena, captures) == Matched::Yes);
    CHECK(captures.find("branch", value));
    CHECK(value.empty());
    CHECK(regex.names().size() == 2);
    CHECK_FALSE(Captures().find("project", value));
}

TEST_CASE("regex: groups beyond the limit are not captured", "[server][regex]") {
    std::string pattern;
    for (int i = 0; i < 40; ++i) pattern += "(?<g" + std::to_string(i) + ">a)";
    const Regex regex = compiled(pattern);
    Arena arena;
    Captures captures;
    REQUIRE(regex.match(std::string(40, 'a'), arena, captures) == Matched::Yes);
    CHECK(captures.size() == Captures::kMax);
    CHECK(regex.names().size() == Captures::kMax - 1);
}

TEST_CASE("regex: a bad pattern is an error with its place", "[server][regex]") {
    const auto open = Regex::compile("a(b");
    REQUIRE_FALSE(open);
    CHECK(open.error().offset == 3);
    CHECK(open.error().message.find("parenthes") != std::string::npos);
    CHECK_FALSE(Regex::compile("["));
    CHECK_FALSE(Regex::compile("*a"));
    CHECK_FALSE(Regex::compile("(*UTF)a"));  // subjects are bytes
    CHECK_FALSE(Regex::compile("(?<a>x)(?<a>y)"));
    CHECK_FALSE(Regex::compile(std::string(300, '(') + std::string(300, ')')));
}

TEST_CASE("regex: an expression that explodes is given up", "[server][regex]") {
    const std::uint64_t before = regex_failures();
    const std::string hostile(64, 'a');
    for (const char* pattern : {"^(a+)+$", "^(a|aa)+$", "^(a*)*[bc]", "(*NO_JIT)^(a+)+$"}) {
        INFO(pattern);
        const std::int64_t start = monotonic_nanos();
        CHECK(compiled(pattern).match(hostile + "!") == Matched::Failed);
        CHECK(monotonic_nanos() - start < 2'000'000'000);  // unbounded, it would be years
    }
    CHECK(regex_failures() == before + 4);
    // The same limits let ordinary expressions through, on long subjects too.
    CHECK(compiled("^/[a-z/]+\\.php$").match("/" + std::string(8000, 'a') + ".php") == Matched::Yes);
    CHECK(compiled("^(?:/[a-z]+)+$").match(std::string(1000, '/') + "!") == Matched::No);
}

TEST_CASE("regex: the interpreter answers like the JIT", "[server][regex]") {
    const Regex interpreted = compiled("(*NO_JIT)^/u/(?<id>[0-9]+)$");
    CHECK_FALSE(interpreted.is_jit());
    Arena arena;
    Captures captures;
    REQUIRE(interpreted.match("/u/17", arena, captures) == Matched::Yes);
    CHECK(captures.group(1) == "17");
    CHECK(interpreted.match("/u/x", arena, captures) == Matched::No);
}

TEST_CASE("regex: moves keep captures valid", "[server][regex]") {
    Regex first = compiled("(?<a>x)");
    Arena arena;
    Captures captures;
    REQUIRE(first.match("x", arena, captures) == Matched::Yes);
    Regex second = std::move(first);
    std::string_view value;
    CHECK(captures.find("a", value));
    first = compiled("y");
    CHECK(first.match("y") == Matched::Yes);
    CHECK(second.match("x") == Matched::Yes);
}

TEST_CASE("regex: a reset that moves the begin behind the end is no capture", "[server][regex]") {
    Arena arena;
    Captures captures;
    auto regex = Regex::compile("(?=ab\\K)");
    if (!regex) return;  // newer PCRE2 refuses it
    REQUIRE(regex->match("xab", arena, captures) == Matched::Yes);
    CHECK(captures.group(0).empty());
}

TEST_CASE("regex: threads share one expression", "[server][regex]") {
    const Regex regex = compiled("^(?<n>[0-9]+)-(?<m>[0-9]+)$");
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            Arena arena;
            for (int i = 0; i < 500; ++i) {
                const std::string subject = std::to_string(t) + "-" + std::to_string(i);
                Captures captures;
                std::string_view value;
                if (regex.match(subject, arena, captures) != Matched::Yes || !captures.find("m", value) ||
                    value != std::to_string(i))
                    ++wrong;
                arena.reset();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
}
