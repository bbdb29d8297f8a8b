#include "core/conf/snapshot.hpp"

#include "core/conf/load.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace conf = gantry::conf;

namespace {

// A folder with a configuration of several files, that goes with it.
class Folder {
public:
    Folder() {
        char name[] = "/tmp/gantry-snapshot-XXXXXX";
        path_ = ::mkdtemp(name);
        write("gantry.toml", "include = [\"sites/*.toml\"]\n[listener.web]\naddress = \"127.0.0.1:0\"\n");
        write("sites/a.toml",
              "[host.\"a.test\".location.\"/\"]\nrespond = \"${WORD} ${file:" + path_ + "/value}\"\n");
        write("value", "from a file\n");
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
        std::ofstream(path_ + "/" + name) << text;
    }
    void clear() const {
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            std::filesystem::remove_all(entry);
    }
    std::string config() const { return path_ + "/gantry.toml"; }

private:
    std::string path_;
};

std::string answer_of(const conf::Loaded& loaded) {
    REQUIRE(loaded.settings);
    return std::get<conf::Respond>(loaded.settings->hosts.at(0).locations.at(0).handler).body.text;
}

}  // namespace

TEST_CASE("what was loaded can be loaded again when nothing of it is left") {
    const Folder folder;
    conf::Snapshot seen;
    conf::LoadOptions record;
    record.environment = [](std::string_view name) {
        return name == "WORD" ? std::optional<std::string>("hello") : std::nullopt;
    };
    record.recorded = &seen;
    CHECK(answer_of(conf::load(folder.config(), record)) == "hello from a file");

    const auto kept = conf::parse_snapshot(conf::render(seen));
    REQUIRE(kept);
    CHECK(*kept == seen);

    folder.clear();
    conf::LoadOptions replay;
    replay.environment = [](std::string_view) { return std::optional<std::string>("changed"); };
    replay.replayed = &*kept;
    CHECK(answer_of(conf::load(folder.config(), replay)) == "hello from a file");
}

TEST_CASE("a file that came later is not part of it") {
    const Folder folder;
    conf::Snapshot seen;
    conf::LoadOptions record;
    record.environment = [](std::string_view) { return std::optional<std::string>("x"); };
    record.recorded = &seen;
    REQUIRE(conf::load(folder.config(), record).settings);
    folder.write("sites/b.toml", "this is no configuration");
    conf::LoadOptions replay;
    replay.replayed = &seen;
    CHECK(conf::load(folder.config(), replay).settings->hosts.size() == 1);
    CHECK(!conf::load(folder.config(), record).settings);
}

TEST_CASE("what is no snapshot are refused") {
    conf::Snapshot seen;
    seen.files["/a"] = {"text\n", "", true};
    seen.values["/c"] = {"secret", "", false};
    seen.files["/d"] = {"", "Permission denied", false};
    seen.patterns["/b/*"] = {"/b/1", "/b/2"};
    seen.variables["C"] = "";
    const std::string whole = conf::render(seen);
    REQUIRE(conf::parse_snapshot(whole) == seen);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK(!conf::parse_snapshot(whole.substr(0, size)));
    }
    CHECK(!conf::parse_snapshot(whole + "x"));
    CHECK(!conf::parse_snapshot("gantry snapshot 2\n"));
    CHECK(!conf::parse_snapshot("gantry snapshot 1\n4:file99999999999999999999:a"));
    CHECK(!conf::parse_snapshot("gantry snapshot 1\n7:pattern1:*20:18446744073709551615"));
}
