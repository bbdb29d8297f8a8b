#include "modules/auth/key_ring.hpp"

#include "tests/support/catch.hpp"

using namespace auth;

namespace {
// printf %s secret | sha256sum
const std::string kDigest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
}  // namespace

TEST_CASE("keys: known by their digest alone", "[auth]") {
    const auto parsed =
        parse_keys("# all\nci:" + kDigest + "  groups=a,b scopes=x:y  expires=2027-01-31\r\n");
    REQUIRE(parsed.faults.empty());
    const ApiKey* key = parsed.content.find("secret");
    REQUIRE(key != nullptr);
    CHECK(key->identity->user == "ci");
    CHECK(key->identity->groups == std::vector<std::string>{"a", "b"});
    CHECK(key->identity->scopes == std::vector<std::string>{"x:y"});
    CHECK(key->expires == 1801440000);  // date -d 2027-02-01Z +%s
    CHECK(parsed.content.find("Secret") == nullptr);
    CHECK(parsed.content.find(kDigest) == nullptr);
    CHECK(parsed.content.find("") == nullptr);
}

TEST_CASE("keys: each fault with its line, and without what may be a key", "[auth]") {
    const auto parsed =
        parse_keys("a\nb:in-the-clear\n:" + kDigest + "\nc:" + kDigest + " x\nd:" + kDigest + " scopes=\n");
    REQUIRE(parsed.faults.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(parsed.faults[i].line == i + 1);
    CHECK(parsed.faults[1].message.find("in-the") == std::string::npos);
}

TEST_CASE("keys: days and times", "[auth]") {
    CHECK(parse_time("1970-01-01") == 86400);
    CHECK(parse_time("2024-02-29T12:00:01Z") == 1709208001);
    for (const char* text :
         {"", "2023-02-29", "2023-13-01", "2023-1-01", "2023-01-01T", "2023-01-01T24:00:00Z",
          "2023-01-01T12:00:00", "2023-01-01 12:00:00Z", "2023-01-01T12:60:00Z", "+023-01-01"})
        CHECK_FALSE(parse_time(text));
}

TEST_CASE("query: parameters are decoded, the first one counts", "[auth]") {
    CHECK(parameter_of("a=1&k%65y=x%2By+z&key=2", "key") == "x+y z");
    CHECK(parameter_of("key", "key") == "");
    CHECK(parameter_of("key=%zz%4", "key") == "%zz%4");
    CHECK_FALSE(parameter_of("akey=1", "key"));
}
