// The keys of this module: what may be written, and what it means.
#pragma once

#include "gantry/module.hpp"

#include <chrono>

namespace auth {

using gantry::Key;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr const char* const kSatisfy[] = {"any", "all", "none", nullptr};

inline constexpr Key kClaimKeys[] = {
    Key::text("values").list().required().example("[\"admin\", \"editor\"]").doc("One of these."),
};
inline constexpr Key kGroupKeys[] = {
    Key::text("members").list().required().example("[\"alice\", \"bob\"]").doc("Names of users."),
};

inline constexpr Key kRequireKeys[] = {
    Key::text("users").list().example("[\"alice\", \"bob\"]").doc("Users that may; one of them."),
    Key::text("groups").list().example("\"admins\"").doc("Groups that may; who is in one of them."),
    Key::text("scopes").list().example("[\"orders:read\"]").doc("Scopes that are needed; all of them."),
    Key::table("claims", kClaimKeys)
        .named()
        .short_for("values")
        .example("{ \"realm_access.roles\" = [\"admin\", \"editor\"] }")
        .doc("Claims of a token that are needed, by their names or paths; of each one of these values."),
};

inline constexpr Key kBasicKeys[] = {
    Key::path("users_file")
        .list()
        .example("\"users.htpasswd\"")
        .doc("Files of NAME:HASH or NAME:HASH:GROUP,GROUP in each line, as htpasswd -B writes them."),
    Key::text("users")
        .named()
        .secret()
        .example("{ alice = \"$2y$12$...\" }")
        .doc("Users and the hashes of their passwords."),
    Key::table("groups", kGroupKeys)
        .named()
        .short_for("members")
        .example("{ admins = [\"alice\"] }")
        .doc("Groups by their names, and the users in each."),
    Key::text("realm")
        .standard("\"restricted\"")
        .example("\"the office\"")
        .doc("What browsers show where they ask for a password."),
    Key::boolean("pass_on").standard("false").example("true").doc(
        "The upstream gets the user's password as well."),
};

inline constexpr Key kApiKeyKeys[] = {
    Key::text("sha256")
        .required()
        .example("\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"")
        .doc("The SHA-256 of the key: printf %s KEY | sha256sum."),
    Key::text("groups").list().example("\"build\"").doc("Groups that its owner is in."),
    Key::text("scopes").list().example("[\"orders:read\"]").doc("What it may be used for."),
    Key::text("expires").example("\"2027-01-31\"").doc("The last day, or a time: 2027-01-31T12:00:00Z."),
};

inline constexpr Key kApiKeysKeys[] = {
    Key::path("keys_file")
        .list()
        .example("\"api.keys\"")
        .doc("Files of ID:SHA256 in each line, and behind it groups=a,b scopes=c,d expires=2027-01-31."),
    Key::table("keys", kApiKeyKeys)
        .named()
        .short_for("sha256")
        .example("{ ci = { sha256 = \"9f86...\", scopes = \"orders:read\" } }")
        .doc("Keys by the names of their owners."),
    Key::text("header")
        .standard("\"X-API-Key\"")
        .example("\"X-Token\"")
        .doc("The field of the request that has the key; \"\": none."),
    Key::boolean("bearer").standard("false").example("true").doc(
        "Authorization: Bearer KEY is taken as well."),
    Key::text("query")
        .standard("\"\"")
        .example("\"api_key\"")
        .doc("The parameter of the query that may have the key; it is seen in logs and histories."),
    Key::text("realm").standard("\"restricted\"").example("\"the API\"").doc("What is named in challenges."),
    Key::boolean("pass_on").standard("false").example("true").doc("The upstream gets the key as well."),
};

inline constexpr const char* const kAlgorithmNames[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                                        "PS512", "ES256", "ES384", "ES512", nullptr};

inline constexpr Key kJwtKeys[] = {
    Key::text("issuer")
        .list()
        .required()
        .example("\"https://id.example.com\"")
        .doc("The claim iss; one of these."),
    Key::text("audience")
        .list()
        .required()
        .example("\"https://api.example.com\"")
        .doc("The claim aud; one of these is in it."),
    Key::text("jwks_url")
        .example("\"https://id.example.com/.well-known/jwks.json\"")
        .doc("Where the keys of the issuer are: https://, http+unix:// or upstream:NAME."),
    Key::path("jwks_file")
        .example("\"issuer.jwks\"")
        .doc("The same as a file; it is read anew when it changes."),
    Key::path("ca_file").example("\"ca.pem\"").doc("Whom to trust at jwks_url; else whom the system trusts."),
    Key::timespan("refresh", milliseconds{100}, hours{24 * 7})
        .standard("\"1h\"")
        .example("\"10m\"")
        .doc("How often the keys are fetched."),
    Key::timespan("retry", milliseconds{100}, hours{1})
        .standard("\"10s\"")
        .example("\"30s\"")
        .doc("How soon they are fetched again after a failure, and because of a token with an unknown key."),
    Key::choice("algorithms", kAlgorithmNames)
        .list()
        .standard("[\"RS256\", \"ES256\", \"PS256\"]")
        .example("\"ES256\"")
        .doc("How tokens may be signed."),
    Key::timespan("leeway", seconds{0}, minutes{10})
        .standard("\"30s\"")
        .example("\"1m\"")
        .doc("How far the clocks of the issuer and of this machine may be apart."),
    Key::boolean("require_exp").standard("true").example("false").doc("Tokens without an end are refused."),
    Key::text("type")
        .example("\"at+jwt\"")
        .doc("The member typ of the head of a token; any where nothing is said."),
    Key::text("header")
        .standard("\"\"")
        .example("\"X-Token\"")
        .doc("A field that may have the token, beside Authorization: Bearer."),
    Key::text("cookie").standard("\"\"").example("\"token\"").doc("A cookie that may have the token."),
    Key::text("user_claim")
        .standard("\"sub\"")
        .example("\"email\"")
        .doc("The claim, or its path, that names the user."),
    Key::text("groups_claim")
        .standard("\"groups\"")
        .example("\"realm_access.roles\"")
        .doc("The claim, or its path, that has the groups."),
    Key::text("scopes_claim")
        .standard("\"\"")
        .example("\"permissions\"")
        .doc("The claim that has the scopes; scope, or else scp, where nothing is said."),
    Key::text("headers")
        .named()
        .example("{ X-Auth-Email = \"email\" }")
        .doc("Fields for the upstream, and the claims that they are made of."),
    Key::text("realm").standard("\"restricted\"").example("\"the API\"").doc("What is named in challenges."),
    Key::boolean("pass_on").standard("true").example("false").doc("The upstream gets the token as well."),
};

inline constexpr Key kForwardCacheKeys[] = {
    Key::pattern("key")
        .list()
        .required()
        .example("[\"${cookie.session}\", \"${uri}\"]")
        .doc("What the answer depends on: requests for which these texts come to the same have the same "
             "answer. "
             "Where all come to nothing, each request is asked about."),
    Key::timespan("ttl", milliseconds{0}, hours{24})
        .standard("\"10s\"")
        .example("\"1m\"")
        .doc("How long an answer that lets pass is remembered; 0: for those alone that wait for it."),
    Key::timespan("deny_ttl", milliseconds{0}, hours{1})
        .standard("\"0s\"")
        .example("\"1s\"")
        .doc("The same of 401 and 403 that set no cookies."),
};

inline constexpr Key kForwardKeys[] = {
    Key::text("url")
        .required()
        .example("\"http://127.0.0.1:9091/api/authz/forward-auth\"")
        .doc("Whom to ask: http://, https://, http+unix:///run/app.sock:/path or upstream:NAME/path."),
    Key::text("fields")
        .list()
        .standard("[\"Authorization\", \"Cookie\", \"Accept\", \"Accept-Language\", \"Origin\", \"Referer\", "
                  "\"User-Agent\", \"X-Requested-With\"]")
        .example("[\"Cookie\"]")
        .doc("Fields of the request that go into the question."),
    Key::text("copy")
        .list()
        .example("[\"Remote-User\", \"Remote-Groups\"]")
        .doc("Fields of the answer that the request goes on with; those that clients send are taken out."),
    Key::text("user")
        .standard("\"\"")
        .example("\"Remote-User\"")
        .doc("The field of the answer that says who it is."),
    Key::text("groups")
        .standard("\"\"")
        .example("\"Remote-Groups\"")
        .doc("The field of the answer that has the groups, with commas between."),
    Key::timespan("timeout", milliseconds{100}, minutes{1})
        .standard("\"5s\"")
        .example("\"2s\"")
        .doc("How long the answer may take."),
    Key::path("ca_file")
        .example("\"ca.pem\"")
        .doc("Whom to trust at an https:// URL; else whom the system trusts."),
    Key::table("cache", kForwardCacheKeys)
        .short_for("key")
        .example("{ key = \"${cookie.session}\", ttl = \"10s\" }")
        .doc("Answers are remembered, and of several requests with the same key one asks."),
};

inline constexpr Key kAuthKeys[] = {
    Key::choice("satisfy", kSatisfy)
        .example("\"all\"")
        .doc("Where there are several schemes: \"any\" of them is enough, which holds where nothing is said, "
             "or "
             "\"all\" have to accept. \"none\" opens what the places around demand."),
    Key::table("require", kRequireKeys)
        .short_for("groups")
        .example("{ scopes = \"orders:write\" }")
        .doc("Who may, of those that are known."),
    Key::table("basic", kBasicKeys)
        .short_for("users_file")
        .example("{ users_file = \"users.htpasswd\", realm = \"the office\" }")
        .doc("A name and a password (RFC 7617)."),
    Key::table("keys", kApiKeysKeys)
        .short_for("keys_file")
        .example("{ keys_file = \"api.keys\", bearer = true }")
        .doc("API keys."),
    Key::table("jwt", kJwtKeys)
        .example("{ issuer = \"https://id.example.com\", audience = \"api\", jwks_url = "
                 "\"https://id.example.com/jwks\" }")
        .doc("Tokens that somebody else signed (JWT)."),
    Key::table("forward", kForwardKeys)
        .short_for("url")
        .example("{ url = \"http://127.0.0.1:9091/check\", copy = \"Remote-User\" }")
        .doc("Another server says who may."),
    Key::boolean("insecure")
        .example("true")
        .doc("Credentials are taken over plain HTTP as well; otherwise only from this machine."),
};

inline constexpr Key kHeaderKeys[] = {
    Key::text("user").standard("\"X-Auth-User\"").example("\"Remote-User\"").doc("Who it is."),
    Key::text("groups")
        .standard("\"X-Auth-Groups\"")
        .example("\"Remote-Groups\"")
        .doc("The groups, with commas between."),
    Key::text("scopes").standard("\"X-Auth-Scopes\"").example("\"\"").doc("The scopes, with blanks between."),
};

inline constexpr Key kFailureKeys[] = {
    Key::timespan("delay", milliseconds{1}, minutes{1})
        .standard("\"500ms\"")
        .example("\"1s\"")
        .doc("Between the first failure of an address and its next attempt; doubled by each that follows."),
    Key::timespan("most_delay", milliseconds{1}, minutes{10})
        .standard("\"30s\"")
        .example("\"1m\"")
        .doc("How long that becomes at most. Attempts that would wait longer are refused with 429."),
    Key::timespan("forget", seconds{1}, hours{24 * 7})
        .standard("\"15m\"")
        .example("\"1h\"")
        .doc("Failures are forgotten after that time without another."),
    Key::integer("waiting", 1, 1'000'000)
        .standard("1000")
        .example("100")
        .doc("Attempts that may wait at the same time; more are refused with 429."),
    Key::integer("capacity", 1000, 10'000'000)
        .standard("100000")
        .example("1000000")
        .doc("Addresses that are remembered; 32 bytes each."),
};

inline constexpr Key kMemoryKeys[] = {
    Key::timespan("ttl", milliseconds{0}, hours{24})
        .standard("\"5m\"")
        .example("\"1m\"")
        .doc("How long a password or token that was right is not computed again; 0: it always is."),
    Key::integer("capacity", 100, 10'000'000)
        .standard("10000")
        .example("100000")
        .doc("How many of them are remembered."),
};

}  // namespace auth
