#include "core/conf/containment.hpp"

#include "core/conf/load.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace conf = gantry::conf;
namespace fs = std::filesystem;

namespace {

constexpr const char* kMain = R"(
include = ["sites/*.toml"]
[listener.web]
address = "127.0.0.1:0"
[host."main.test".location."/"]
respond = "main"
)";
constexpr const char* kSite = R"([host."a.test".location."/"]
respond = "a"
[host."b.test"]
names = ["c.test"]
[host."b.test".location."/"]
respond = "b"
)";

// A folder of files that is gone at the end.
class Files {
public:
    Files() {
        std::string name = (fs::temp_directory_path() / "containment-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        root_ = name;
        fs::create_directory(root_ / "sites");
        put("gantry.toml", kMain);
    }
    ~Files() { fs::remove_all(root_); }
    void put(const std::string& name, const std::string& text) const {
        std::ofstream(root_ / name, std::ios::binary) << text;
    }
    conf::Loaded load(const conf::Settings* before = nullptr) const {
        conf::LoadOptions options;
        options.contain = true;
        options.before = before;
        return conf::load((root_ / "gantry.toml").string(), options);
    }
    const fs::path& root() const { return root_; }

private:
    fs::path root_;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

// "a.test b.test": those with faults.
std::string disabled(const conf::Loaded& loaded) {
    REQUIRE(loaded.settings);
    std::string out;
    for (const conf::Host& host : loaded.settings->hosts) {
        if (!host.faults.empty()) out.append(out.empty() ? "" : " ").append(host.name);
    }
    return out;
}

bool has_name(const conf::Loaded& loaded, const std::string& host, const std::string& name) {
    const auto& hosts = loaded.settings->hosts;
    return std::any_of(hosts.begin(), hosts.end(), [&](const conf::Host& one) {
        return one.name == host && std::any_of(one.names.begin(), one.names.end(),
                                               [&](const conf::HostName& n) { return n.text == name; });
    });
}

}  // namespace

TEST_CASE("containment: a setting of an included file disables its host only", "[conf]") {
    const Files files;
    files.put("sites/s.toml", replaced(kSite, "respond = \"b\"", "repond = \"b\""));
    const conf::Loaded loaded = files.load();
    CHECK(disabled(loaded) == "b.test");
    CHECK(loaded.diagnostics.errors() == 0);
    CHECK(loaded.diagnostics.contained() == loaded.diagnostics.list().size());
    CHECK(loaded.diagnostics.list()[0].disables == std::vector<std::string>{"b.test"});
}

TEST_CASE("containment: what is no TOML disables all hosts of its file", "[conf]") {
    const Files files;
    files.put("sites/s.toml", replaced(kSite, "respond = \"b\"", "respond \"b\""));
    files.put("sites/t.toml",
              replaced(replaced(kSite, "a.test", "d.test"),
                       "[host.\"b.test\"]\nnames = [\"c.test\"]\n[host.\"b.test\".", "[host.\"e.test\"."));
    CHECK(disabled(files.load()) == "a.test b.test");
}

TEST_CASE("containment: hosts that only their headers tell of answer for their names", "[conf]") {
    const Files files;
    files.put("sites/s.toml", kSite);
    const conf::Loaded before = files.load();
    CHECK(disabled(before).empty());
    // The string is never closed, so that what follows is no statement.
    files.put("sites/s.toml", replaced(kSite, "respond = \"a\"", "respond = \"\"\"a"));
    const conf::Loaded loaded = files.load(&*before.settings);
    CHECK(disabled(loaded) == "a.test b.test");
    CHECK(has_name(loaded, "b.test", "c.test"));
    CHECK(!has_name(files.load(), "b.test", "c.test"));
}

TEST_CASE("containment: hosts of a file that says nothing are those that it had", "[conf]") {
    const Files files;
    files.put("sites/s.toml", kSite);
    const conf::Loaded before = files.load();
    files.put("sites/s.toml", std::string("\0\0", 2));
    const conf::Loaded loaded = files.load(&*before.settings);
    CHECK(disabled(loaded) == "a.test b.test");
    const conf::Loaded unknown = files.load();
    CHECK(disabled(unknown).empty());
    CHECK(unknown.settings->faults.size() == 1);
}

TEST_CASE("containment: a name that another host has stays with it", "[conf]") {
    const Files files;
    files.put("sites/a.toml", "[host.\"x.test\".location.\"/\"]\nrespond = \"x\"\n");
    files.put("sites/b.toml",
              "[host.\"x.test\".location.\"/y\"]\nrespond = \"y\"\n[host.\"z.test\".location.\"/\"]\nrespond "
              "= \"z\"\n");
    const conf::Loaded loaded = files.load();
    CHECK(disabled(loaded) == "z.test");
}

TEST_CASE("containment: an upstream disables those who use it", "[conf]") {
    const Files files;
    files.put("sites/s.toml", "[upstream.u]\npeers = [\"127.0.0.1\"]\n" +
                                  replaced(kSite, "respond = \"b\"", "proxy = \"u\""));
    CHECK(disabled(files.load()) == "b.test");
}

TEST_CASE("containment: dotted keys and inline tables belong to their hosts too", "[conf]") {
    const Files files;
    files.put("sites/s.toml",
              "host.\"a.test\".location.\"/\".repond = \"a\"\n"
              "host.\"b.test\".location.\"/\".respond = \"b\"\n");
    CHECK(disabled(files.load()) == "a.test");
    files.put("sites/s.toml",
              "[host]\n\"a.test\" = { location = { \"/\" = { respond = \"a\" } } }\n"
              "\"b.test\" = { location = { \"/\" = { repond = \"b\" } } }\n");
    CHECK(disabled(files.load()) == "b.test");
}

TEST_CASE("containment: what all share is fatal wherever it stands", "[conf]") {
    const Files files;
    for (const char* text : {"[server]\nwokers = 1\n", "[listener.x]\naddress = 5\n", "[log]\nlevel = 1\n",
                             "[listener.x]\naddress 5\n[host.\"a.test\"]\n", "modules = [\"x\", \"x\"]\n"}) {
        INFO(text);
        files.put("sites/s.toml", text);
        CHECK(!files.load().settings);
    }
    files.put("sites/s.toml", kSite);
    files.put("gantry.toml", replaced(kMain, "respond", "repond"));
    CHECK(!files.load().settings);
}

TEST_CASE("containment: what the machine lacks is contained in the main file too", "[conf]") {
    const Files files;
    files.put("gantry.toml", replaced(kMain, "respond = \"main\"", "static = \"missing\""));
    CHECK(disabled(files.load()) == "main.test");
    conf::LoadOptions strict;
    CHECK(!conf::load((files.root() / "gantry.toml").string(), strict).settings);
    strict.contain = strict.strict = true;
    CHECK(!conf::load((files.root() / "gantry.toml").string(), strict).settings);
}

TEST_CASE("scan_sections: reads headers as far as they can be read", "[conf]") {
    const auto found = conf::scan_sections(
        "[host.\"a.b\"]\nx = 1\n  [ host . 'c' . location . \"/\" ]\n[[test]]\n[\n[]\n[host.d\nhost = 1\n");
    std::string text;
    for (const auto& one : found)
        text += std::to_string(one.line) + " " + std::string(one.section.kind) + " " +
                std::string(one.section.name) + "\n";
    CHECK(text == "1 host a.b\n3 host c\n4 test \n7 host d\n");
    CHECK(conf::scan_sections("").empty());
}
