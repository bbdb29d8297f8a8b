// Walks tests/conf: for each setting a file that is accepted, for each error text a file that is refused, and
// beside each what it comes to.
#include "core/conf/dump.hpp"
#include "core/conf/load.hpp"
#include "core/conf/schema.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace conf = gantry::conf;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::path(GANTRY_SOURCE_DIR) / "tests" / "conf";

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
}

std::optional<std::string> environment(std::string_view name) {
    if (name == "NAME") return "value";
    if (name == "DOLLAR") return "a${host}b";
    if (name == "EMPTY") return "";
    return std::nullopt;
}

conf::Loaded load(const fs::path& file) {
    conf::LoadOptions options;
    options.environment = environment;
    return conf::load(file.string(), options);
}

std::vector<fs::path> files_of(const char* folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(kFolder / folder)) {
        if (entry.path().extension() == ".toml") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

// Compares with what stands beside the file, or writes it when UPDATE_GOLDEN is set. No path of this machine.
void compare(const fs::path& file, std::string text) {
    replace_all(text, file.parent_path().string(), "@here@");
    replace_all(text, kFolder.string(), "@conf@");
    fs::path expected = file;
    expected.replace_extension(".expected");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
        std::ofstream(expected, std::ios::binary) << text;
        return;
    }
    INFO(file.string());
    CHECK(text == read(expected));
}

}  // namespace

TEST_CASE("each setting comes to what stands beside it", "[golden]") {
    const auto files = files_of("settings");
    REQUIRE(files.size() > 50);
    // Git does not keep that it is private.
    fs::permissions(kFolder / "files" / "private.key", fs::perms::owner_read | fs::perms::owner_write);
    for (const fs::path& file : files) {
        const conf::Loaded loaded = load(file);
        INFO(file.string() << "\n" << loaded.diagnostics.render_text());
        CHECK(loaded.settings.has_value());
        if (!loaded.settings) continue;
        compare(file, conf::dump(*loaded.settings, conf::Detail::Changed) + loaded.diagnostics.render_text());
    }
}

TEST_CASE("each mistake is told as stands beside it", "[golden]") {
    const auto files = files_of("errors");
    REQUIRE(files.size() > 50);
    for (const fs::path& file : files) {
        const conf::Loaded loaded = load(file);
        INFO(file.string());
        CHECK(!loaded.settings.has_value());
        CHECK(loaded.diagnostics.errors() + loaded.diagnostics.contained() > 0);
        for (const conf::Diagnostic& told : loaded.diagnostics.list()) {
            INFO(told.message);
            CHECK(!told.hint.empty());
        }
        compare(file, loaded.diagnostics.render_text());
    }
}

TEST_CASE("every key of the schema has a golden file", "[golden]") {
    std::set<std::string> have;
    for (const fs::path& file : files_of("settings")) have.insert(file.stem().string());
    for (const conf::Scope& scope : conf::all_scopes()) {
        for (const conf::KeyDoc* key : scope.keys) {
            const bool found = std::any_of(have.begin(), have.end(), [&](const std::string& name) {
                return name.substr(name.rfind('.') + 1) == key->name;
            });
            INFO("[" << scope.name << "] " << key->name);
            CHECK(found);
        }
    }
}

namespace {

// A configuration with a hole for that key of that scope; empty where keys have no default or no form of
// their own.
std::string with_hole(std::string_view scope, std::string_view key) {
    const std::string listener = "[listener.web]\naddress = \"unix:/run/x\"\n";
    const std::string answer = "[host.\"a.test\".location.\"/\"]\nrespond = 200\n";
    // The other settings of listings are refused without it.
    const std::string listing = key == "listing" ? "" : "listing = true, ";
    const std::string files =
        "[host.\"a.test\".location.\"/\"]\nstatic = { root = \"/\", " + listing + "@ }\n";
    const std::string app = "[upstream.app]\npeers = [\"127.0.0.1:1\"]\n";
    const std::string to_app = "[host.\"a.test\".location.\"/\"]\nproxy = ";
    if (scope == "the top level") return "@\n" + listener + answer;
    if (scope == "[server]") return "[server]\n@\n" + listener + answer;
    if (scope == "[log]") return "[log]\n@\n" + listener + answer;
    if (scope == "[store]") return "[store]\n@\n" + listener + answer;
    if (scope == "[listener.NAME]") return listener + "@\n" + answer;
    if (scope == "[listener.NAME.tls]") return listener + "tls = { @ }\n" + answer;
    if (scope == "[listener.NAME.tls.client_certificate]") {
        const std::string mode =
            key == "mode" ? "" : "mode = \"none\", ";  // the others are refused without it
        return listener + "tls = { client_certificate = { " + mode + "@ } }\n" + answer;
    }
    if (scope == "[upstream.NAME]") return listener + app + "@\n" + to_app + "\"app\"\n";
    if (scope == "[upstream.NAME] peers") {
        return listener + "[upstream.app]\npeers = [{ address = \"127.0.0.1:1\", @ }]\n" + to_app +
               "\"app\"\n";
    }
    if (scope == "[upstream.NAME.tls]") return listener + app + "tls = { @ }\n" + to_app + "\"app\"\n";
    if (scope == "[host.\"NAME\"]") return listener + "[host.\"a.test\"]\n@\n" + answer;
    if (scope == "[host.\"NAME\".location.\"PATTERN\"]") return listener + answer + "@\n";
    if (scope == "[host.\"NAME\".location.\"PATTERN\".static]") return listener + files;
    if (scope == "[host.\"NAME\".location.\"PATTERN\".proxy]") {
        return listener + app + to_app + "{ upstream = \"app\", @ }\n";
    }
    if (scope == "[host.\"NAME\".location.\"PATTERN\".redirect]") {
        return listener + "[host.\"a.test\".location.\"/old\"]\nredirect = { to = \"/x\", @ }\n";
    }
    if (scope == "[host.\"NAME\".location.\"PATTERN\".respond]") {
        return listener + "[host.\"a.test\".location.\"/\"]\nrespond = { @ }\n";
    }
    if (scope == "request_headers, response_headers") return listener + answer + "request_headers = { @ }\n";
    if (scope == "[[test]]") {
        return listener + answer +
               "[[test]]\nrequest = \"GET http://a.test/\"\nexpect = { status = 200 }\n@\n";
    }
    if (scope == "access_log") return listener + answer + "access_log = { @ }\n";
    return {};
}

// The key alone where it is empty: TOML 1.0 allows no comma behind the last one.
std::string fill(std::string text, const std::string& hole) {
    const std::string_view in_table = ", @ }";
    if (const auto at = text.find(in_table); at != text.npos && hole.empty()) {
        return text.replace(at, in_table.size(), " }");
    }
    return text.replace(text.find('@'), 1, hole);
}

std::string dump_of(const std::string& text, std::string& diagnostics) {
    const conf::Loaded loaded = conf::load_text("/x.toml", text);
    diagnostics = loaded.diagnostics.render_text();
    return loaded.settings ? conf::dump(*loaded.settings, conf::Detail::Everything) : std::string();
}

}  // namespace

TEST_CASE("what the schema calls the default is the default", "[schema]") {
    int tried = 0;
    for (const conf::Scope& scope : conf::all_scopes()) {
        for (const conf::KeyDoc* key : scope.keys) {
            if (key->standard.empty()) continue;
            const std::string text = with_hole(scope.name, key->name);
            INFO("[" << scope.name << "] " << key->name << " = " << key->standard);
            REQUIRE(!text.empty());
            std::string said;
            const std::string without = dump_of(fill(text, ""), said);
            const std::string with =
                dump_of(fill(text, std::string(key->name) + " = " + std::string(key->standard)), said);
            INFO(said);
            CHECK(!with.empty());
            CHECK(with == without);
            ++tried;
        }
    }
    CHECK(tried > 50);
}

TEST_CASE("every key of the schema is documented", "[schema]") {
    std::set<std::string> scopes;
    for (const conf::Scope& scope : conf::all_scopes()) {
        INFO(std::string(scope.name));
        CHECK(scopes.insert(std::string(scope.name)).second);
        CHECK(!scope.doc.empty());
        std::set<std::string> keys;
        for (const conf::KeyDoc* key : scope.keys) {
            INFO(std::string(key->name));
            CHECK(keys.insert(std::string(key->name)).second);
            CHECK(key->doc.size() > 10);
            CHECK(!key->example.empty());
            CHECK(key->min <= key->max);
            CHECK((key->type != conf::Type::Choice || !key->choices.empty()));
        }
    }
}
