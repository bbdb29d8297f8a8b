// What the manual, the schema for editors and `gantry help` are made of.
#include "core/conf/schema.hpp"

#include "core/conf/load.hpp"
#include "core/conf/units.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

namespace conf = gantry::conf;
namespace fs = std::filesystem;

namespace {

// With every file that an example names.
class Folder {
public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "gantry-schema-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
        fs::create_directories(path_ / "errors");
        for (const char* name : {"clients-ca.pem", "ca.pem", "www.example.com.pem", "www.example.com.key",
                                 "www.example.com.ocsp", "listing.css", "errors/404.html", "index.html"}) {
            std::ofstream(path_ / name) << "x";
        }
    }
    ~Folder() { fs::remove_all(path_); }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

// The example with what it leaves to others: a listener, a host, the folder of the files.
std::string complete(std::string text, const fs::path& folder) {
    for (std::size_t at = 0; (at = text.find("/srv/www", at)) != text.npos;) {
        text.replace(at, 8, folder.string());
    }
    if (text.find("fail_open") != text.npos) text.insert(0, "modules = [\"teapot\"]\n");
    if (text.find("[listener.") == text.npos) {
        text += "\n[listener.web]\naddress = \"127.0.0.1:8443\"\ntls = true\n";
    }
    if (text.find("[host.") == text.npos) {
        text += "\n[host.\"www.example.com\".location.\"/api/\"]\nproxy = \"app\"\n";
        if (text.find("[upstream.app") == text.npos) text += "[upstream.app]\npeers = [\"127.0.0.1:3000\"]\n";
    }
    return text;
}

std::vector<std::string> paths_of(std::string_view name) {
    std::vector<std::string> out;
    for (const conf::Setting* setting : conf::find_settings(name)) out.push_back(setting->path);
    return out;
}

}  // namespace

TEST_CASE("every example of the manual loads", "[schema]") {
    const Folder folder;
    std::set<const conf::KeyDoc*> seen;
    for (const conf::Setting& setting : conf::all_settings()) {
        if (!seen.insert(setting.key).second) continue;
        const std::string example = conf::example_text(setting);
        const std::string text = complete(example, folder.path());
        const conf::Loaded loaded = conf::load_text((folder.path() / "g.toml").string(), text);
        INFO(setting.path << "\n" << text << "\n" << loaded.diagnostics.render_text());
        // Sections are shown by what stands in them.
        const bool is_section = setting.scope->path.empty() && !setting.key->forms.table.empty();
        CHECK((is_section || example.find(setting.key->example) != example.npos));
        CHECK(loaded.settings.has_value());
    }
    CHECK(seen.size() > 100);
}

TEST_CASE("every table of the schema can be reached, and every reference is to one", "[schema]") {
    std::set<const conf::Scope*> reached{&conf::all_scopes().front()};
    for (const conf::Setting& setting : conf::all_settings()) {
        INFO(setting.path);
        if (setting.key->forms.table.empty()) continue;
        const conf::Scope* const table = conf::find_scope(setting.key->forms.table);
        REQUIRE(table != nullptr);
        reached.insert(table);
    }
    CHECK(reached.size() == conf::all_scopes().size());
}

TEST_CASE("every setting says what its value may be", "[schema]") {
    for (const conf::Setting& setting : conf::all_settings()) {
        INFO(setting.path);
        CHECK(!conf::type_text(*setting.key).empty());
        CHECK(setting.key->doc.back() == '.');
        CHECK(setting.scope->doc.back() == '.');
        CHECK(setting.scope->frame.find('@') != std::string_view::npos);
    }
}

TEST_CASE("a setting is found by its path, the end of it, and with names in it", "[schema]") {
    using Paths = std::vector<std::string>;
    CHECK(paths_of("listener.backlog") == Paths{"listener.backlog"});
    CHECK(paths_of("backlog") == Paths{"listener.backlog"});
    CHECK(paths_of("listener.web.backlog") == Paths{"listener.backlog"});
    CHECK(paths_of("static.root") == Paths{"host.location.static.root"});
    CHECK(paths_of("location.static.root") == Paths{"host.location.static.root"});
    CHECK(paths_of("host.\"www.example.com\".location.\"/a.b/\".proxy.host") ==
          Paths{"host.location.proxy.host"});
    CHECK(paths_of("[host.'a.test'].max_body") == Paths{"host.max_body"});
    CHECK(paths_of("host") == Paths{"host"});
    CHECK(paths_of("upstream") == Paths{"upstream"});
    CHECK(paths_of("proxy.upstream") == Paths{"host.location.proxy.upstream"});
    CHECK(paths_of("max_body") == Paths{"host.max_body", "host.location.max_body"});
    CHECK(paths_of("tls") == Paths{"listener.tls", "upstream.tls"});
    // One key at many places is one answer.
    CHECK(paths_of("response_headers.set") == Paths{"server.response_headers.set"});
    CHECK(conf::places_of(*conf::find_settings("response_headers.set")[0]->key).size() == 6);
    CHECK(paths_of("listener.web") == Paths{"listener"});
    for (const char* nothing : {"", "nothing", "listener.backlgo", ".", "acklog"}) {
        INFO(nothing);
        CHECK(paths_of(nothing).empty());
    }
}

TEST_CASE("types and ranges in words", "[schema]") {
    const auto type = [](std::string_view name) {
        return conf::type_text(*conf::find_settings(name).at(0)->key);
    };
    const auto range = [](std::string_view name) {
        return conf::range_text(*conf::find_settings(name).at(0)->key);
    };
    CHECK(type("listener.backlog") == "an integer");
    CHECK(range("listener.backlog") == "from 1 to 65535");
    CHECK(type("workers") == "an integer or \"auto\"");
    CHECK(type("listener.tls") == "true, false or a table");
    CHECK(type("upstream.peers") == "a string, a table or a list of these");
    CHECK(type("redirect.status") == "301, 302, 303, 307 or 308");
    CHECK(range("redirect.status").empty());
    CHECK(range("priority") == "from -1000 to 1000");
    CHECK(range("listener.max_head") == "from \"1KiB\" to \"1MiB\"");
    CHECK(range("head_timeout") == "from \"1ms\" to \"1d\"");
    CHECK(type("host.location") == "a table for each name");
    CHECK(type("when.header") == "a table with true, false or a string for each name");
}

TEST_CASE("the expressions for times and sizes take what the parsers take", "[schema]") {
    const std::regex duration(conf::duration_pattern(), std::regex::ECMAScript);
    const std::regex size(conf::size_pattern(), std::regex::ECMAScript);
    for (const char* text : {"500ms", "30s", "1h30m", "1.5s", "2 s", "1d", "0s"}) {
        INFO(text);
        CHECK(conf::parse_duration(text).has_value());
        CHECK(std::regex_search(text, duration));
    }
    for (const char* text : {"30", "s", "-1s", "1x", "1s ", "", "1 5s", "1.s"}) {
        INFO(text);
        CHECK(!conf::parse_duration(text).has_value());
        CHECK(!std::regex_search(text, duration));
    }
    for (const char* text : {"64KiB", "10MB", "1.5GiB", "100", "1 MiB", "7B"}) {
        INFO(text);
        CHECK(conf::parse_size(text).has_value());
        CHECK(std::regex_search(text, size));
    }
    for (const char* text : {"KiB", "-1", "1XB", "1KiB ", "", "1.KB"}) {
        INFO(text);
        CHECK(!conf::parse_size(text).has_value());
        CHECK(!std::regex_search(text, size));
    }
}
