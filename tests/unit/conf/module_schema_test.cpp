#include "core/conf/module_schema.hpp"

#include "tests/support/catch.hpp"

using namespace gantry::conf;

namespace {

ModuleKey key(std::string_view name, Type type, std::string_view example) {
    ModuleKey out;
    out.doc.name = name;
    out.doc.type = type;
    out.doc.example = example;
    out.doc.doc = "Does it.";
    return out;
}

// limit.NAME.rate and limit.NAME.burst, in [server] and locations; a bare value is a rate.
ModuleDoc limits() {
    ModuleKey limit = key("limit", Type::Table, "{ per-client = { rate = \"1/s\" } }");
    limit.scopes =
        static_cast<std::uint8_t>(KeyScope::Server) | static_cast<std::uint8_t>(KeyScope::Location);
    limit.is_named = true;
    limit.short_for = "rate";
    ModuleKey rate = key("rate", Type::String, "\"1/s\"");
    rate.is_required = true;
    ModuleKey burst = key("burst", Type::Integer, "20");
    burst.least = 0;
    burst.most = 1000;
    limit.keys = {rate, burst};
    return {"limit", {limit}};
}

std::vector<std::string> found(std::string_view name) {
    const ModuleDoc doc = limits();
    std::vector<std::string> out;
    for (const ModuleSetting& setting : find_module_settings({&doc}, name)) out.push_back(setting.path);
    return out;
}

}  // namespace

TEST_CASE("module_schema: keys and those in their tables are settings", "[conf]") {
    const ModuleDoc doc = limits();
    const auto all = settings_of(doc);
    REQUIRE(all.size() == 3);
    CHECK(all[1].path == "limit.rate");
    CHECK(all[1].places == std::vector<std::string>{"host.location.limit.rate", "server.limit.rate"});
    CHECK(example_text(all[1]) ==
          "[host.\"www.example.com\".location.\"/\"]\nlimit.per-client.rate = \"1/s\"");
    CHECK(type_text(*all[0].key) == "a table with a table or a string for each name");
    CHECK(range_text(*all[2].key) == "from 0 to 1000");
    CHECK(range_text(*all[1].key).empty());
}

TEST_CASE("module_schema: names of keys", "[conf]") {
    using Paths = std::vector<std::string>;
    CHECK(found("limit") == Paths{"limit"});
    CHECK(found("limit.rate") == Paths{"limit.rate"});
    CHECK(found("rate") == Paths{"limit.rate"});
    CHECK(found("limit.login.rate") == Paths{"limit.rate"});
    CHECK(found("server.limit.login.burst") == Paths{"limit.burst"});
    CHECK(found("host.\"a.test\".location.\"/x.y\".limit.login.burst") == Paths{"limit.burst"});
    CHECK(found("host.limit.rate.nothing").empty());
    CHECK(found("other.limit.rate").empty());
    CHECK(found("limit.rates").empty());
    CHECK(found("").empty());
}

TEST_CASE("module_schema: properties for editors", "[conf]") {
    const ModuleDoc doc = limits();
    CHECK(json_properties({&doc}, KeyScope::Host).empty());
    const auto made = json_properties({&doc}, KeyScope::Server);
    REQUIRE(made.size() == 1);
    CHECK(made[0].starts_with("\"limit\": {\"description\": \"Does it."));
    CHECK(made[0].find("\"required\": [\"rate\"]") != std::string::npos);
    CHECK(made[0].find("\"minimum\": 0, \"maximum\": 1000") != std::string::npos);
}

TEST_CASE("module_schema: what is wrong with a key names it, also within a table", "[conf]") {
    const auto fault = [](const auto& spoil) {
        ModuleDoc doc = limits();
        spoil(doc.keys[0]);
        return complete(doc, {});
    };
    CHECK(fault([](ModuleKey&) {}) == "");
    CHECK(fault([](ModuleKey& limit) { limit.doc.doc = ""; }) ==
          "its key \"limit\" cannot be: it has no doc");
    CHECK(fault([](ModuleKey& limit) { limit.keys[1].doc.example = ""; }) ==
          "its key \"limit.burst\" cannot be: it has no example");
    CHECK(fault([](ModuleKey& limit) { limit.short_for = "burts"; }) ==
          "its key \"limit\" cannot be: a bare value is meant for \"burts\", which it does not have");
}
