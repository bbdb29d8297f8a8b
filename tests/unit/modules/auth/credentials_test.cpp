#include "modules/auth/authorization.hpp"
#include "modules/auth/bytes.hpp"
#include "modules/auth/password.hpp"
#include "modules/auth/shown.hpp"
#include "modules/auth/users.hpp"
#include "tests/support/catch.hpp"

using namespace auth;

TEST_CASE("base64: one text for one value", "[auth]") {
    CHECK(from_base64("YWxpY2U6eA==", Alphabet::Standard) == "alice:x");
    CHECK(from_base64("", Alphabet::Standard) == "");
    CHECK(from_base64("YWxpY2U6eA", Alphabet::Url) == "alice:x");
    CHECK(from_base64("-_-_", Alphabet::Url) == "\xfb\xff\xbf");
    for (const char* text :
         {"YWxpY2U6eA", "YWxpY2U6eB==", "YWxp Y2U6", "YWx=", "Y", "====", "-_-_", "YWxpY2U6eA==="})
        CHECK_FALSE(from_base64(text, Alphabet::Standard));
    CHECK_FALSE(from_base64("+/+/", Alphabet::Url));
    CHECK_FALSE(from_base64("YWxpY2U6eB", Alphabet::Url));
}

TEST_CASE("names: without respect to case, and to what CGI makes of them", "[auth]") {
    CHECK(is_same_name("BASIC", "basic"));
    CHECK_FALSE(is_same_name("X_Auth_User", "X-Auth-User"));
    CHECK(is_same_variable("x_AUTH_user", "X-Auth-User"));
    CHECK_FALSE(is_same_variable("x_AUTH_users", "X-Auth-User"));
}

TEST_CASE("split: without blanks and what is empty", "[auth]") {
    CHECK(split(" a, b,,c ", ',') == std::vector<std::string>{"a", "b", "c"});
    CHECK(split("", ',').empty());
    CHECK(in_quotes("a \"b\" \\ \n") == R"("a \"b\" \\ ?")");
    CHECK(from_hex("00fF") == std::string("\0\xff", 2));
    CHECK_FALSE(from_hex("0g"));
    CHECK_FALSE(from_hex("000"));
}

TEST_CASE("authorization: schemes have no case, and end with a blank", "[auth]") {
    CHECK(credentials_of("Basic abc", "basic") == "abc");
    CHECK(credentials_of("bAsIc   abc ", "Basic") == "abc");
    CHECK(credentials_of("Basic", "Basic") == "");
    CHECK_FALSE(credentials_of("Basically abc", "Basic"));
    CHECK_FALSE(credentials_of("", "Basic"));
}

TEST_CASE("authorization: the password may have colons, the name not", "[auth]") {
    const auto given = parse_basic("YWxpY2U6YTpi");
    REQUIRE(given);
    CHECK(given->user == "alice");
    CHECK(given->password == "a:b");
    CHECK_FALSE(parse_basic("YWxpY2U="));  // no colon
    CHECK_FALSE(parse_basic("YTpiCg=="));  // a line feed
    CHECK_FALSE(parse_basic(std::string(8000, 'a')));
}

TEST_CASE("authorization: cookies and tokens", "[auth]") {
    CHECK(cookie_of("a=1; token=x=y; b=2", "token") == "x=y");
    CHECK(cookie_of("token=", "token") == "");
    CHECK_FALSE(cookie_of("atoken=1", "token"));
    CHECK(cookie_count("token=1; a=2;token=; token", "token") == 3);
    CHECK(without_cookie("a=1; token=x; b=2", "token") == "a=1; b=2");
    CHECK(without_cookie("token=x", "token").empty());
    CHECK(is_bearer_token("a.b-c_~+/=", 100));
    CHECK_FALSE(is_bearer_token("a b", 100));
    CHECK_FALSE(is_bearer_token("", 100));
    CHECK_FALSE(is_bearer_token("aaaa", 3));
}

TEST_CASE("password: hashes that are good enough are verified", "[auth]") {
    for (const char* hash : {"$y$j75$sStWWKc4CP9L25ImX/d5j1$79Q4SgPF0H9z9BLmLRidrcvm2DfRadp2A9kjvNFXva8",
                             "$6$rounds=1000$..GWuCeG3zrGUGB7$73yNkBh2U12whiAs3R6VN/"
                             "wiPGFw07eiJjjMQGP3lhcaH9M4BGgd7BR/ZdsVb5T4cETVKYwYEHVLHs6VrpAQD.",
                             "$5$rounds=1000$Ou6OSFQm29sA0Mpg$qCOkCr3IweqddQv2JBGtZxLtI/qR1hXrl1MmWMGTSYD",
                             "$gy$j75$5bIrNu3BKiY2C8/HY1SBh/$fqX4YGelUjnI9T./PnhugkW3.MNDa5K.HBPckgXjMTC"}) {
        CHECK(fault_of_hash(hash).empty());
        CHECK(verify_password("secret", hash));
        CHECK_FALSE(verify_password("Secret", hash));
        CHECK_FALSE(verify_password("", hash));
        CHECK_FALSE(verify_password(std::string("secret\0", 7), hash));
        CHECK_FALSE(verify_password(std::string(kMostPasswordBytes + 1, 'a'), hash));
    }
    CHECK(fault_of_hash(nobodys_hash()).empty());
    CHECK_FALSE(verify_password("x", nobodys_hash()));
}

TEST_CASE("password: what is guessed too fast is refused, with a remedy", "[auth]") {
    for (const char* hash :
         {"$apr1$YIaBvo7N$wU6T5w/aaYrQymeNwVUOv0", "$1$abc$def", "{SHA}abc", "{SSHA}abc", "{PLAIN}abc",
          "rqXexS6ZhobKA", "secret", "", "$2a$12$abc", "$sha1$40000$abc$def"})
        CHECK(fault_of_hash(hash).find("make a new one") != std::string::npos);
}

TEST_CASE("password: what was cut or changed is seen", "[auth]") {
    for (const char* hash :
         {"$2y$12$tooshort", "$6$salt$short", "$argon2id$v=19$m=65536,t=3",
          "$argon2i$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
          "$argon2id$v=18$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$RGrC2kghhmdFPTu+VWYImMCAKqufCVt9",
          "$argon2id$v=19$m=99999999,t=3,p=4$c2FsdHNhbHRzYWx0$RGrC2kghhmdFPTu+VWYImMCAKqufCVt9", "$y$",
          "$2y$31$FsjbB8tPIi3dn3GSWAhxs..MllIeL.BgcAoTTQtX/bzH/3yJGHUlO", "$6$rounds=1$salt$hash"})
        CHECK_FALSE(fault_of_hash(hash).empty());
}

TEST_CASE("users: names, hashes and groups, each fault with its line", "[auth]") {
    const std::string hash = "$2y$05$FsjbB8tPIi3dn3GSWAhxs..MllIeL.BgcAoTTQtX/bzH/3yJGHUlO";
    const auto good = parse_users("# all\n\nalice:" + hash + "\r\nbob:" + hash + ":staff, press\n");
    CHECK(good.faults.empty());
    REQUIRE(good.content.size() == 2);
    CHECK(good.content.find("alice")->identity->groups.empty());
    CHECK(good.content.find("bob")->identity->groups == std::vector<std::string>{"staff", "press"});
    CHECK(good.content.find("Bob") == nullptr);
    CHECK(&good.content.decoy(7) == &good.content.decoy(7));

    const auto bad = parse_users("alice\n:" + hash + "\nx:y\nb:" + hash + "\nb:" + hash + "\n");
    REQUIRE(bad.faults.size() == 4);
    CHECK(bad.faults[0].line == 1);
    CHECK(bad.faults[3].line == 5);
    CHECK(bad.faults[3].message.find("second time") != std::string::npos);
}

TEST_CASE("shown: what breaks no line of a log", "[auth]") {
    CHECK(shown("al\"ice\n\x80") == "al?ice??");
    CHECK(shown(std::string(500, 'a')).size() == 64);
}
