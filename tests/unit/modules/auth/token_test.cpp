#include "modules/auth/token.hpp"

#include "modules/auth/key_set.hpp"
#include "tests/support/catch.hpp"

using namespace auth;

namespace {

// RFC 7515 A.3, and its key of A.3.1.
const std::string kKey =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
const std::string kToken =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

TokenPolicy policy() {
    return {.issuers = {"joe"}, .audiences = {"api"}};
}

Token token_of(const char* claims, const char* type = "") {
    Token token;
    token.type = type;
    token.claims = boost::json::parse(claims).as_object();
    return token;
}

std::string set_of(const std::string& more) {
    return R"({"keys":[)" + kKey + more + "}]}";
}

}  // namespace

TEST_CASE("token: the example of RFC 7515 is verified by its key", "[auth]") {
    const auto parsed = parse_key_set(set_of(""));
    REQUIRE(parsed.faults.empty());
    const auto token = parse_token(kToken);
    REQUIRE(token);
    CHECK((token->algorithm == "ES256" && token->key_id.empty()));
    CHECK(check_signature(*token, parsed.content, policy()) == Reason::Accepted);
    CHECK(find_claim(token->claims, "http://example.com/is_root") != nullptr);
    std::string changed = kToken;
    changed[30] ^= 1;
    const auto other = parse_token(changed);
    if (other) CHECK(check_signature(*other, parsed.content, policy()) != Reason::Accepted);
    auto narrow = policy();
    narrow.algorithms = {"RS256"};
    CHECK(check_signature(*token, parsed.content, narrow) == Reason::BadAlgorithm);
}

TEST_CASE("key set: a key is for what it says", "[auth]") {
    const auto count = [](const std::string& more) {
        return parse_key_set(set_of(more)).content.keys().size();
    };
    CHECK(count(R"(,"alg":"ES256","use":"sig","key_ops":["verify"])") == 1);
    CHECK(count(R"(,"alg":"ES384")") == 0);
    CHECK(count(R"(,"alg":"HS256")") == 0);
    CHECK(count(R"(,"alg":"none")") == 0);
    CHECK(count(R"(,"alg":5)") == 0);
    CHECK(count(R"(,"use":"enc")") == 0);
    CHECK(count(R"(,"key_ops":["sign"])") == 0);
    CHECK(count(R"(,"crv":"P-384")") == 0);
    CHECK(count(R"(,"x":"AAAA")") == 0);
    CHECK(count(R"(,"x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")") == 0);  // not on the curve
}

TEST_CASE("key set: what is none", "[auth]") {
    for (const char* text :
         {"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1,\"a\",null]}",
          "{\"keys\":[{\"kty\":\"RSA\"}]}", R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})",
          R"({"keys":[{"kty":"oct","k":"AAAA"}]})"})
        CHECK_FALSE(parse_key_set(text).faults.empty());
    CHECK(parse_key_set(set_of("")).content.serial() != parse_key_set(set_of("")).content.serial());
}

TEST_CASE("token: what is none", "[auth]") {
    for (const char* text :
         {"", ".", "..", "a.b.c", "e30.e30.", "eyJhbGciOiJFUzI1NiJ9.e30.AA==", "eyJhbGciOiJFUzI1NiJ9.W10.AA",
          "eyJhbGciOiJFUzI1NiIsImNyaXQiOltdfQ.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30"})
        CHECK_FALSE(parse_token(text));
    CHECK_FALSE(parse_token(std::string(kMostTokenBytes + 1, 'a')));
    CHECK(parse_token("eyJhbGciOiJFUzI1NiJ9.e30."));
}

TEST_CASE("claims: times, with a leeway", "[auth]") {
    const auto judge = [](const char* more, bool requires_expiry = true) {
        auto wanted = policy();
        wanted.requires_expiry = requires_expiry;
        const std::string text = std::string(R"({"iss":"joe","aud":"api")") + more + "}";
        return check_claims(token_of(text.c_str()), wanted, 1000);
    };
    CHECK(judge(R"(,"exp":1001)") == Reason::Accepted);
    CHECK(judge(R"(,"exp":971)") == Reason::Accepted);
    CHECK(judge(R"(,"exp":970)") == Reason::Expired);
    CHECK(judge(R"(,"exp":1000.5)") == Reason::Accepted);
    CHECK(judge(R"(,"exp":-1)") == Reason::Expired);
    CHECK(judge(R"(,"exp":18446744073709551615)") == Reason::BadToken);
    CHECK(judge(R"(,"exp":1e400)") == Reason::BadToken);
    CHECK(judge(R"(,"exp":"1001")") == Reason::BadToken);
    CHECK(judge("") == Reason::BadToken);
    CHECK(judge("", false) == Reason::Accepted);
    CHECK(judge(R"(,"exp":2000,"nbf":1030)") == Reason::Accepted);
    CHECK(judge(R"(,"exp":2000,"nbf":1031)") == Reason::NotYetValid);
    CHECK(judge(R"(,"exp":2000,"iat":1031)") == Reason::NotYetValid);
    CHECK(judge(R"(,"exp":2000,"iat":null)") == Reason::BadToken);
}

TEST_CASE("claims: who signed, for whom, and what kind", "[auth]") {
    const auto judge = [](const char* text, const char* type = "", const char* wanted_type = "") {
        auto wanted = policy();
        wanted.type = wanted_type;
        return check_claims(token_of(text, type), wanted, 1000);
    };
    CHECK(judge(R"({"iss":"Joe","aud":"api","exp":2000})") == Reason::WrongIssuer);
    CHECK(judge(R"({"iss":["joe"],"aud":"api","exp":2000})") == Reason::WrongIssuer);
    CHECK(judge(R"({"aud":"api","exp":2000})") == Reason::WrongIssuer);
    CHECK(judge(R"({"iss":"joe","aud":"ap","exp":2000})") == Reason::WrongAudience);
    CHECK(judge(R"({"iss":"joe","aud":{"api":1},"exp":2000})") == Reason::WrongAudience);
    CHECK(judge(R"({"iss":"joe","aud":["x","api"],"exp":2000})") == Reason::Accepted);
    CHECK(judge(R"({"iss":"joe","aud":"api","exp":2000})", "JWT", "at+jwt") == Reason::WrongType);
    CHECK(judge(R"({"iss":"joe","aud":"api","exp":2000})", "application/AT+jwt", "at+jwt") ==
          Reason::Accepted);
}

TEST_CASE("identity: what a token says of somebody", "[auth]") {
    auto wanted = policy();
    wanted.fields = {{"X-Email", "email"}, {"X-None", "none"}};
    const auto identity = identity_of(
        token_of(R"({"sub":"alice","groups":["a","b"],"scope":"x  y","scp":["z"],"email":"a@b"})"), wanted);
    CHECK(identity->user == "alice");
    CHECK(identity->groups == std::vector<std::string>{"a", "b"});
    CHECK(identity->scopes == std::vector<std::string>{"x", "y"});
    CHECK(identity->fields == std::vector<std::pair<std::string, std::string>>{{"X-Email", "a@b"}});
    CHECK(identity_of(token_of(R"({"scp":["z"]})"), wanted)->scopes == std::vector<std::string>{"z"});
    CHECK(end_of(token_of(R"({"exp":5})"), wanted) == 35);
    CHECK(end_of(token_of("{}"), wanted) == INT64_MAX);
}
