#include "modules/auth/failures.hpp"
#include "modules/auth/flight.hpp"
#include "modules/auth/identity.hpp"
#include "modules/auth/memo.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <thread>

using namespace auth;

namespace {

const ProcessSecret kSecret = ProcessSecret::random();

Fingerprint key_of(int number) {
    return fingerprint(kSecret, {std::to_string(number)});
}

struct Waiter {
    int* woken;
    void wake() const { ++*woken; }
};

constexpr FailurePolicy kPolicy{.delay = 100, .most_delay = 1000, .forget = 100'000};

}  // namespace

TEST_CASE("fingerprint: where parts end matters", "[auth]") {
    CHECK(fingerprint(kSecret, {"ab", "c"}) != fingerprint(kSecret, {"a", "bc"}));
    CHECK(fingerprint(kSecret, {"ab"}) == fingerprint(kSecret, {"ab"}));
    CHECK(fingerprint(ProcessSecret::random(), {"ab"}) != fingerprint(kSecret, {"ab"}));
}

TEST_CASE("memo: forgets after a time, and what was not asked for", "[auth]") {
    Memo<int> memo(160);  // ten in each part
    memo.put(key_of(1), 1, 100);
    CHECK(memo.find(key_of(1), 99) == 1);
    CHECK_FALSE(memo.find(key_of(1), 100));
    CHECK(memo.size() == 0);
    for (int i = 0; i < 10'000; ++i) {
        memo.put(key_of(i), i, 1000);
        REQUIRE(memo.find(key_of(0), 1) == 0);
    }
    CHECK(memo.size() <= 160);
    memo.put(key_of(0), 7, 1000);
    CHECK(memo.find(key_of(0), 1) == 7);
}

TEST_CASE("flight: one leads, and the others get its answer", "[auth]") {
    Flights<int, Waiter> flights;
    int woken = 0;
    auto leader = flights.board(key_of(1));
    auto follower = flights.board(key_of(1));
    auto other = flights.board(key_of(2));
    CHECK((leader.leads() && !follower.leads() && other.leads()));
    follower.wait({&woken});
    CHECK_FALSE(follower.answer());
    leader.land(7);
    CHECK((woken == 1 && follower.answer() == 7));
    follower.wait({&woken});  // it is over
    CHECK(woken == 2);
    CHECK(flights.board(key_of(1)).leads());
}

TEST_CASE("flight: who leads may leave, and another begins anew", "[auth]") {
    Flights<int, Waiter> flights;
    int woken = 0;
    std::optional follower = [&] {
        auto leader = flights.board(key_of(1));
        auto seat = flights.board(key_of(1));
        seat.wait({&woken});
        return seat;
    }();
    CHECK((woken == 1 && !follower->answer()));
    CHECK(flights.board(key_of(1)).leads());
}

TEST_CASE("failures: the gap doubles, up to the most", "[auth]") {
    Failures failures(1000);
    std::uint64_t now = 1000;
    for (const std::uint64_t gap : {0U, 100U, 200U, 400U, 800U, 1000U, 1000U}) {
        Failures::Attempt attempt(failures, 7, kPolicy, now);
        CHECK(attempt.wait() == gap);
        now += gap;
    }
    CHECK(failures.count(7) == 7);
    CHECK(failures.count(8 + 2) == 0);
    CHECK(Failures::Attempt(failures, 10, kPolicy, now).wait() == 0);
}

TEST_CASE("failures: trying many at the same time wins nothing", "[auth]") {
    Failures failures(1000);
    const Failures::Attempt first(failures, 7, kPolicy, 0);
    const Failures::Attempt second(failures, 7, kPolicy, 0);
    const Failures::Attempt third(failures, 7, kPolicy, 0);
    const Failures::Attempt fourth(failures, 7, kPolicy, 0);
    const Failures::Attempt fifth(failures, 7, kPolicy, 0);
    CHECK((first.wait() == 0 && second.wait() == 100 && third.wait() == 300 && fourth.wait() == 700));
    CHECK_FALSE(fifth.wait());
    CHECK(fifth.retry_after() == 1500);
}

TEST_CASE("failures: a success forgets them, and so does time", "[auth]") {
    Failures failures(1000);
    {
        Failures::Attempt attempt(failures, 7, kPolicy, 0);
    }
    {
        Failures::Attempt attempt(failures, 7, kPolicy, 200'000);
        CHECK(attempt.wait() == 0);
    }
    CHECK(failures.count(7) == 1);
    {
        Failures::Attempt attempt(failures, 7, kPolicy, 200'050);
        CHECK(attempt.wait() == 50);
        attempt.succeed();
    }
    CHECK(failures.count(7) == 0);
    CHECK(Failures::Attempt(failures, 7, kPolicy, 200'060).wait() == 0);
}

TEST_CASE("failures: the table stays as large as it is", "[auth]") {
    Failures failures(1000);
    for (std::uint64_t client = 0; client < 50'000; ++client) {
        Failures::Attempt attempt(failures, client * 2, kPolicy, client);
        CHECK(attempt.wait() == 0);
    }
}

TEST_CASE("claims: by name, by path, and as words", "[auth]") {
    const auto claims =
        boost::json::parse(
            R"({"scope":"a b","aud":["x","y"],"n":3,"t":true,"realm_access":{"roles":["admin"]},"a.b":"dotted","o":{}})")
            .as_object();
    CHECK(words_of(*find_claim(claims, "scope"), Words::AtBlanks) == std::vector<std::string>{"a", "b"});
    CHECK(words_of(*find_claim(claims, "scope")) == std::vector<std::string>{"a b"});
    CHECK(words_of(*find_claim(claims, "aud")) == std::vector<std::string>{"x", "y"});
    CHECK(words_of(*find_claim(claims, "n")) == std::vector<std::string>{"3"});
    CHECK(words_of(*find_claim(claims, "t")) == std::vector<std::string>{"true"});
    CHECK(words_of(*find_claim(claims, "o")).empty());
    CHECK(words_of(*find_claim(claims, "realm_access.roles")) == std::vector<std::string>{"admin"});
    CHECK(words_of(*find_claim(claims, "a.b")) == std::vector<std::string>{"dotted"});
    CHECK(find_claim(claims, "realm_access.none") == nullptr);
    CHECK(find_claim(claims, "scope.a") == nullptr);
    CHECK(find_claim(claims, "") == nullptr);
}

TEST_CASE("requirement: of users and groups one, of scopes and claims all", "[auth]") {
    auto alice = std::make_shared<Identity>();
    alice->user = "alice";
    alice->groups = {"staff"};
    alice->scopes = {"read"};
    alice->claims = boost::json::parse(R"({"level":2})").as_object();
    auto key = std::make_shared<Identity>();
    key->user = "ci";
    key->scopes = {"write", "read"};
    const People people{alice, key};
    CHECK(Requirement{}.missing(people) == nullptr);
    CHECK(Requirement{.users = {"x", "alice"}}.missing(people) == nullptr);
    CHECK(Requirement{.users = {"x"}}.missing(people) == std::string("user"));
    CHECK(Requirement{.groups = {"x"}}.missing(people) == std::string("group"));
    CHECK(Requirement{.scopes = {"read", "write"}}.missing(people) == nullptr);
    CHECK(Requirement{.scopes = {"read", "admin"}}.missing(people) == std::string("scope"));
    CHECK(Requirement{.claims = {{"level", {"1", "2"}}}}.missing(people) == nullptr);
    CHECK(Requirement{.claims = {{"level", {"1"}}}}.missing(people) == std::string("claim"));
    CHECK(Requirement{.users = {"alice"}}.missing({}) == std::string("user"));
    CHECK((user_of(people) == "ci" && groups_of(people) == "staff" && scopes_of(people) == "read write"));
}
