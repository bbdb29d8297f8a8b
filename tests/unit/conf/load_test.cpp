// Loading as a whole: what a file cannot show (permissions, hooks, the shipped files) and how much it costs.
#include "core/conf/load.hpp"

#include "core/conf/dump.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace conf = gantry::conf;
namespace fs = std::filesystem;

namespace {

class TemporaryFolder {
public:
    TemporaryFolder() {
        char name[] = "/tmp/gantry-conf-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TemporaryFolder() { fs::remove_all(path_); }
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        const fs::path path = path_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path.string();
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

const std::string kListener = "[listener.web]\naddress = \"127.0.0.1:8080\"\n";
const std::string kTls = "[listener.web]\naddress = \"127.0.0.1:8443\"\ntls = true\n";
const std::string kAnswer = "[host.\"a.test\".location.\"/\"]\nrespond = \"a\"\n";

}  // namespace

TEST_CASE("the shipped configuration loads without a word", "[load]") {
    const conf::Loaded loaded = conf::load(std::string(GANTRY_SOURCE_DIR) + "/conf/gantry.toml");
    INFO(loaded.diagnostics.render_text());
    REQUIRE(loaded.settings);
    CHECK(loaded.diagnostics.warnings() == 0);
    CHECK(loaded.settings->listeners.size() == 2);
    const fs::path sites = fs::path(GANTRY_SOURCE_DIR) / "conf" / "sites";
    std::size_t examples = 0;
    for (const auto& entry : fs::directory_iterator(sites))
        examples += entry.path().extension() == ".toml" ? 1 : 0;
    CHECK(examples >= 3);
    CHECK(loaded.settings->files.size() == 1 + examples);
    CHECK(loaded.settings->hosts.size() > examples);
}

TEST_CASE("the configuration that is not there", "[load]") {
    const conf::Loaded loaded = conf::load("/nonexistent/gantry.toml");
    CHECK(!loaded.settings);
    CHECK(loaded.diagnostics.render_text() ==
          "/nonexistent/gantry.toml: error: cannot be read: No such file or directory\n"
          "      = name another file with -c FILE\n");
    CHECK(!conf::load("/").settings);
}

TEST_CASE("strict takes warnings for errors", "[load]") {
    const std::string text = kListener + "[listener.idle]\naddress = \"127.0.0.1:1\"\n" +
                             "[host.\"a.test\"]\nlisteners = [\"web\"]\n" + kAnswer;
    CHECK(conf::load_text("x.toml", text).settings);
    conf::LoadOptions strict;
    strict.strict = true;
    const conf::Loaded loaded = conf::load_text("x.toml", text, strict);
    CHECK(!loaded.settings);
    CHECK(loaded.diagnostics.errors() == 0);
    CHECK(loaded.diagnostics.warnings() == 1);
}

TEST_CASE("other rooms have their say, even where there are errors", "[load]") {
    conf::LoadOptions options;
    options.verify = [](const conf::Settings& settings, conf::Diagnostics& diagnostics) {
        REQUIRE(settings.hosts.size() == 1);
        diagnostics.error(settings.hosts[0].place, "not this name", "another");
    };
    const conf::Loaded one = conf::load_text("x.toml", kListener + kAnswer, options);
    CHECK(!one.settings);
    CHECK(one.diagnostics.render_text() ==
          "x.toml:3:7: error: not this name\n    3 | [host.\"a.test\".location.\"/\"]\n      |       "
          "^~~~~~~~\n      = another\n");
    const conf::Loaded two = conf::load_text("x.toml", kListener + "backlog = 0\n" + kAnswer, options);
    CHECK(two.diagnostics.errors() == 2);
}

TEST_CASE("who checks may keep the settings", "[load]") {
    conf::Settings kept;
    conf::LoadOptions options;
    options.verify = [&](conf::Settings& settings, conf::Diagnostics&) { kept = std::move(settings); };
    const conf::Loaded loaded = conf::load_text("x.toml", kListener + kAnswer, options);
    CHECK(loaded.settings);
    REQUIRE(kept.hosts.size() == 1);
    CHECK(kept.hosts[0].name == "a.test");
    CHECK(kept.files == std::vector<std::string>{"x.toml"});
}

TEST_CASE("a pipe among the included files is not waited for", "[load]") {
    const TemporaryFolder folder;
    REQUIRE(::mkfifo((folder.path() / "pipe.toml").c_str(), 0600) == 0);
    const std::string path = folder.write("g.toml", "include = [\"pipe*.toml\"]\n" + kListener + kAnswer);
    const std::string said = conf::load(path).diagnostics.render_text();
    CHECK(said.find("pipe.toml\" cannot be read: it is not a regular file") != said.npos);
}

TEST_CASE("keys must be private, certificates need not", "[load]") {
    const TemporaryFolder folder;
    static constexpr char kKey[] = "-----BEGIN PRIVATE KEY-----";
    folder.write("a.pem", "x", 0644);
    folder.write("a.key", kKey, 0640);
    folder.write("both.pem", kKey, 0600);
    const std::string text =
        kTls +
        "[host.\"a.test\"]\ncertificate = [{ certificate = \"a.pem\", key = \"a.key\" }, \"both.pem\"]\n" +
        kAnswer;
    const std::string path = folder.write("g.toml", text);
    {
        const conf::Loaded loaded = conf::load(path);
        INFO(loaded.diagnostics.render_text());
        REQUIRE(loaded.settings);
        const auto& certificates = loaded.settings->hosts[0].certificates;
        REQUIRE(certificates.size() == 2);
        CHECK(certificates[0].certificate_file == (folder.path() / "a.pem").string());
        CHECK(certificates[1].key_file == (folder.path() / "both.pem").string());
    }
    ::chmod((folder.path() / "a.key").c_str(), 0644);
    ::chmod((folder.path() / "both.pem").c_str(), 0604);
    CHECK(conf::load(path).diagnostics.errors() == 2);

    // A server that is starting keeps the other hosts, and the settings keep what may be repaired later.
    conf::LoadOptions lenient;
    lenient.contain = true;
    fs::remove(folder.path() / "a.pem");
    const conf::Loaded loaded = conf::load(path, lenient);
    REQUIRE(loaded.settings);
    CHECK(loaded.diagnostics.warnings() == 2);
    CHECK(loaded.settings->hosts[0].certificates.size() == 2);
}

TEST_CASE("secrets from files", "[load]") {
    const TemporaryFolder folder;
    const std::string token = folder.write("token", "s3cret$\n", 0600);
    const std::string text =
        kListener + "[host.\"a.test\".location.\"/\"]\nrespond = \"<${file:" + token + "}>\"\n";
    {
        const conf::Loaded loaded = conf::load_text("x.toml", text);
        REQUIRE(loaded.settings);
        CHECK(loaded.diagnostics.warnings() == 0);
        const auto& respond = std::get<conf::Respond>(loaded.settings->hosts[0].locations[0].handler);
        CHECK(respond.body.text == "<s3cret$$>");
    }
    ::chmod(token.c_str(), 0644);
    CHECK(conf::load_text("x.toml", text).diagnostics.warnings() == 1);
    folder.write("token", std::string(2'000'000, 'x'));
    CHECK(conf::load_text("x.toml", text).diagnostics.contained() == 1);
    ::mkfifo((folder.path() / "pipe").c_str(), 0600);
    const std::string pipe =
        kListener + "[log]\ntarget = \"${file:" + (folder.path() / "pipe").string() + "}\"\n";
    CHECK(conf::load_text("x.toml", pipe).diagnostics.errors() == 1);
}

TEST_CASE("includes come in order and nest", "[load]") {
    const TemporaryFolder folder;
    folder.write("d/2.toml", "[host.\"two.test\".location.\"/\"]\nrespond = 200\n");
    folder.write("d/1.toml",
                 "include = [\"deeper/*.toml\"]\n[host.\"one.test\".location.\"/\"]\nrespond = 200\n");
    folder.write("d/deeper/x.toml", "[host.\"deeper.test\".location.\"/\"]\nrespond = 200\n");
    folder.write("d/ignored.txt", "]]]");
    const std::string path =
        folder.write("g.toml", "include = [\"d/*.toml\", \"none/*.toml\"]\n" + kListener + kAnswer);
    const conf::Loaded loaded = conf::load(path);
    INFO(loaded.diagnostics.render_text());
    REQUIRE(loaded.settings);
    std::string names;
    for (const auto& host : loaded.settings->hosts) names += host.name + " ";
    CHECK(names == "a.test one.test deeper.test two.test ");
    CHECK(loaded.settings->files.size() == 4);
    CHECK(loaded.settings->files[loaded.settings->hosts[2].place.file] ==
          (folder.path() / "d/deeper/x.toml").string());
    CHECK(loaded.settings->hosts[2].place.line == 1);
}

TEST_CASE("files that include one another end", "[load]") {
    const TemporaryFolder folder;
    folder.write("a.toml", "include = [\"b.toml\"]\n");
    folder.write("b.toml", "include = [\"a.toml\"]\n");
    const std::string path = folder.write("g.toml", "include = [\"a.toml\"]\n" + kListener + kAnswer);
    const conf::Loaded loaded = conf::load(path);
    CHECK(loaded.diagnostics.contained() == 1);
    CHECK(loaded.diagnostics.render_text().find("includes itself") != std::string::npos);

    const TemporaryFolder deep;
    for (int i = 0; i < 40; ++i) {
        deep.write(std::to_string(i) + ".toml", "include = [\"" + std::to_string(i + 1) + ".toml\"]\n");
    }
    CHECK(conf::load((deep.path() / "0.toml").string()).diagnostics.contained() == 1);
}

TEST_CASE("a BOM and CRLF do no harm", "[load]") {
    std::string text = "\xEF\xBB\xBF" + kListener + kAnswer;
    for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 2) text.replace(at, 1, "\r\n");
    const conf::Loaded loaded = conf::load_text("x.toml", text);
    INFO(loaded.diagnostics.render_text());
    CHECK(loaded.settings);
}

TEST_CASE("names are found again in tables of any size", "[load]") {
    for (const int count : {3, 15, 16, 17, 40}) {
        std::string text = kListener + "[host]\n";
        for (int i = 0; i < count; ++i) text += "\"h" + std::to_string(i) + ".test\".max_body = 1\n";
        for (int i = 0; i < count; ++i) {
            text += "[host.\"h" + std::to_string(i) + ".test\".location.\"/\"]\nrespond = 200\n";
        }
        const conf::Loaded loaded = conf::load_text("x.toml", text);
        INFO(loaded.diagnostics.render_text());
        REQUIRE(loaded.settings);
        CHECK(loaded.settings->hosts.size() == static_cast<std::size_t>(count));
        CHECK(conf::load_text("x.toml", text + "[host.\"h2.test\"]\nmax_body = 2\n").diagnostics.errors() ==
              1);
    }
}

TEST_CASE("a hostile file ends soon", "[load]") {
    const auto judge = [](const std::string& text) {
        return conf::load_text("x.toml", text).diagnostics.errors();
    };
    CHECK(judge("[" + std::string(200'000, 'a') + "]") > 0);
    std::string dots = "a";
    for (int i = 0; i < 100'000; ++i) dots += ".a";
    CHECK(judge("[" + dots + "]") > 0);
    CHECK(judge(dots + " = 1") > 0);
    CHECK(judge("x = { " + dots + " = 1 }") > 0);
    CHECK(judge("x = " + std::string(100'000, '[')) > 0);
    CHECK(judge("x = " + std::string(100'000, '{')) > 0);
    CHECK(judge(std::string(100'000, '\n') + "[") > 0);
    CHECK(judge(std::string(1000, '\0')) > 0);
    std::string wrong;
    for (int i = 0; i < 20'000; ++i) wrong += "k" + std::to_string(i) + " = yes\n";
    CHECK(judge(wrong) >= 20'000);
}

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // g++
constexpr bool kSanitized = true;
#elif defined(__has_feature)  // clang 19 says it in its own way
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

std::string many_hosts(int count, const std::string& root) {
    std::string text = kListener + "[upstream.app]\npeers = [\"127.0.0.1:9000\"]\n";
    for (int i = 0; i < count; ++i) {
        const std::string name = "site" + std::to_string(i) + ".example.com";
        text += "\n[host.\"" + name + "\"]\nnames = [\"www." + name + "\"]\n";
        text += "\n[host.\"" + name + "\".location.\"/\"]\nstatic = \"" + root + "\"\n";
        text += "\n[host.\"" + name + "\".location.\"/api/\"]\nproxy = \"app\"\n";
    }
    return text;
}

}  // namespace

TEST_CASE("ten thousand hosts are small and load fast", "[load][many]") {
    const TemporaryFolder folder;
    const std::string path = folder.write("g.toml", many_hosts(10'000, "."));
    const std::size_t before = ::mallinfo2().uordblks;
    const std::clock_t begin = std::clock();
    const conf::Loaded loaded = conf::load(path);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    REQUIRE(loaded.settings);
    REQUIRE(loaded.settings->hosts.size() == 10'000);
    CHECK(loaded.settings->hosts[9'999].locations.size() == 2);
    // What nobody set is there once.
    CHECK(loaded.settings->hosts[1].locations[0].access_log.get() ==
          loaded.settings->hosts[9'999].locations[1].access_log.get());
    if (kSanitized) {
        CHECK(seconds < 5);
        return;
    }
    CHECK(::mallinfo2().uordblks - before < 16'000'000);
    CHECK(seconds < 0.25);  // processor time; about 0.1 on the machine where this was written
}
