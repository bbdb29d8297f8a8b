#include "modules/headers/security.hpp"

#include "modules/headers/field_syntax.hpp"
#include "tests/support/catch.hpp"

#include <map>

using namespace headers;
using Set = SecuritySettings::Set;

namespace {

Security made(const SecuritySettings& settings) {
    Problems problems;
    Security security = Security::make(settings, problems);
    REQUIRE(problems.empty());
    return security;
}

std::map<std::string, std::string> fields_of(const SecuritySettings& settings) {
    std::map<std::string, std::string> fields;
    const Security security = made(settings);
    for (const Security::Field& field : security.fields()) {
        REQUIRE(fields.count(field.name) == 0);
        fields[field.name] = field.value;
    }
    return fields;
}

std::string problem_of(const SecuritySettings& settings) {
    Problems problems;
    Security::make(settings, problems);
    return problems.empty() ? "" : std::string(problems[0].key) + ": " + problems[0].message;
}

SecuritySettings of(Set set) {
    SecuritySettings settings;
    settings.set = set;
    return settings;
}

}  // namespace

TEST_CASE("security: the sets", "[modules][headers]") {
    CHECK(fields_of(of(Set::Off)).empty());
    CHECK(made(of(Set::Off)).removed().empty());
    const std::map<std::string, std::string> basic = {{"X-Content-Type-Options", "nosniff"},
                                                      {"Referrer-Policy", "strict-origin-when-cross-origin"},
                                                      {"X-Frame-Options", "SAMEORIGIN"}};
    CHECK(fields_of(of(Set::Basic)) == basic);
    const auto strict = fields_of(of(Set::Strict));
    CHECK(strict.at("X-Frame-Options") == "DENY");
    CHECK(
        strict.at("Content-Security-Policy") ==
        "default-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'none'");
    CHECK(strict.at("Referrer-Policy") == "same-origin");
    CHECK(strict.at("Permissions-Policy").find("camera=()") != std::string::npos);
    CHECK(strict.at("Cross-Origin-Opener-Policy") == "same-origin");
    CHECK(strict.at("Cross-Origin-Embedder-Policy") == "require-corp");
    CHECK(strict.at("Cross-Origin-Resource-Policy") == "same-origin");
    CHECK(made(of(Set::Strict)).removed().size() == 5);
}

TEST_CASE("security: what is said wins over the set", "[modules][headers]") {
    SecuritySettings settings = of(Set::Strict);
    settings.csp = "default-src *";
    settings.referrer_policy = "";
    settings.opener_policy = "unsafe-none";
    settings.remove = std::vector<std::string>{"X-Secret"};
    const auto fields = fields_of(settings);
    CHECK(fields.at("Content-Security-Policy") == "default-src *; frame-ancestors 'none'");
    CHECK(fields.count("Referrer-Policy") == 0);
    CHECK(fields.at("Cross-Origin-Opener-Policy") == "unsafe-none");
    CHECK(made(settings).removed() == std::vector<std::string>{"X-Secret"});
    settings = of(Set::Off);
    settings.csp_report_only = "default-src 'none'";
    CHECK(fields_of(settings).size() == 1);
}

TEST_CASE("security: who may show pages in frames", "[modules][headers]") {
    SecuritySettings settings = of(Set::Off);
    settings.frame_ancestors = std::vector<std::string>{"self", "https://partner.example"};
    CHECK(fields_of(settings) ==
          std::map<std::string, std::string>{
              {"Content-Security-Policy", "frame-ancestors 'self' https://partner.example"}});
    CHECK(made(settings).removed() == std::vector<std::string>{"X-Frame-Options"});
    CHECK(made(settings).frame_policy() == "frame-ancestors 'self' https://partner.example");
    settings.frame_ancestors = std::vector<std::string>{"none"};
    CHECK(fields_of(settings).at("X-Frame-Options") == "DENY");
    // The policy says it already: nothing contradicts.
    settings = of(Set::Strict);
    settings.csp = "default-src 'self'; Frame-Ancestors https://a.example";
    CHECK(fields_of(settings).at("Content-Security-Policy") == *settings.csp);
    CHECK(fields_of(settings).count("X-Frame-Options") == 0);
    settings.frame_ancestors = std::vector<std::string>{"self"};
    CHECK(problem_of(settings).find("frame_ancestors: the policy in \"csp\"") == 0);
    settings.csp.reset();
    settings.frame_ancestors = std::vector<std::string>{"none", "self"};
    CHECK(problem_of(settings).find("frame_ancestors: \"none\" allows nobody") == 0);
    settings.frame_ancestors = std::vector<std::string>{"a; script-src *"};
    CHECK(problem_of(settings).find("frame_ancestors:") == 0);
}

TEST_CASE("security: what the application says is kept or replaced", "[modules][headers]") {
    SecuritySettings settings = of(Set::Strict);
    const Security kept = made(settings);
    for (const auto& field : kept.fields()) CHECK(field.is_kept == (field.name != "X-Content-Type-Options"));
    settings.replaces = true;
    const Security replaced = made(settings);
    for (const auto& field : replaced.fields()) CHECK_FALSE(field.is_kept);
}

TEST_CASE("security: what cannot be a field is refused", "[modules][headers]") {
    SecuritySettings settings = of(Set::Off);
    settings.csp = "default-src 'self'\r\nX: y";
    CHECK(problem_of(settings).find("csp: a field is of letters") == 0);
    settings.csp.reset();
    settings.permissions_policy = "caf\xc3\xa9=()";
    CHECK(problem_of(settings).find("permissions_policy:") == 0);
    settings.permissions_policy.reset();
    settings.remove = std::vector<std::string>{"X Y"};
    CHECK(problem_of(settings) == "remove: \"X Y\" is no name of a field");
    settings.remove = std::vector<std::string>{"content-type"};
    CHECK(problem_of(settings) == "remove: \"content-type\" cannot be removed");
}

TEST_CASE("security: directives of a policy", "[modules][headers]") {
    CHECK(has_directive("frame-ancestors 'none'", "frame-ancestors"));
    CHECK(has_directive("a b;\tFRAME-ancestors", "frame-ancestors"));
    CHECK(has_directive("a b, frame-ancestors x", "frame-ancestors"));
    CHECK_FALSE(has_directive("x frame-ancestors", "frame-ancestors"));
    CHECK_FALSE(has_directive("frame-ancestors-not x;;", "frame-ancestors"));
    CHECK_FALSE(has_directive("", "frame-ancestors"));
}

TEST_CASE("security: hsts", "[modules][headers]") {
    Problems problems;
    using std::chrono::seconds;
    CHECK(hsts_value({seconds{31536000}, false, false, false}, problems) == "max-age=31536000");
    CHECK(hsts_value({seconds{0}, true, false, false}, problems) == "max-age=0; includeSubDomains");
    CHECK(hsts_value({seconds{63072000}, true, true, false}, problems) ==
          "max-age=63072000; includeSubDomains; preload");
    CHECK(problems.empty());
    hsts_value({seconds{63072000}, false, true, false}, problems);
    hsts_value({seconds{3600}, true, true, false}, problems);
    CHECK(problems.size() == 2);
}

TEST_CASE("field syntax: lists", "[modules][headers]") {
    CHECK(has_element("Accept , origin", "Origin"));
    CHECK_FALSE(has_element("Original, X-Origin", "Origin"));
    CHECK_FALSE(has_element(",, ", "Origin"));
}
