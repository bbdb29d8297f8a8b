// The vault without a server; the clock is the test's.
#include "gantry/fake_host.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Chains = std::vector<std::string>;

constexpr const char* kKey = "-----BEGIN PRIVATE KEY-----\n";

std::string pem(const std::string& what) {
    return "-----BEGIN CERTIFICATE-----\n" + what + "\n" + kKey;
}

class Folder {
public:
    Folder() { GANTRY_CHECK(mkdtemp(path_.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::string& path() const { return path_; }
    // Each is newer than the one before, whatever the clock of the disk can tell apart.
    void put(const std::string& name, const std::string& text) {
        std::ofstream{path_ + "/" + name} << text;
        std::filesystem::last_write_time(path_ + "/" + name, newest_ += 1s);
    }
    void remove(const std::string& name) { std::filesystem::remove(path_ + "/" + name); }

private:
    std::string path_ = "/tmp/gantry-vault-XXXXXX";
    std::filesystem::file_time_type newest_ = std::filesystem::file_time_type::clock::now();
};

void prepare(gantry::fake::Host& host, const Folder& folder) {
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.server({{"vault", gantry::fake::table({{"folder", folder.path()}, {"every", "1s"}})}});
    host.wants_certificates({"www.example.com", "*.example.com"});
    GANTRY_CHECK(host.reload());
}

void test_offers_what_is_there_while_it_loads() {
    Folder folder;
    folder.put("www.example.com.pem", pem("one"));
    gantry::fake::Host host;
    prepare(host, folder);
    GANTRY_CHECK(host.offered("www.example.com") == Chains{pem("one")});
    GANTRY_CHECK(host.offered("*.example.com").empty());
    GANTRY_CHECK_EQUAL(host.warnings().size(), 1u);
    folder.put("_.example.com.pem", pem("star"));
    host.advance(1s);
    GANTRY_CHECK(host.offered("*.example.com") == Chains{pem("star")});
}

void test_follows_the_files() {
    Folder folder;
    folder.put("www.example.com.pem", pem("one"));
    gantry::fake::Host host;
    prepare(host, folder);
    folder.put("www.example.com.pem", pem("two"));
    host.advance(1s);
    GANTRY_CHECK(host.offered("www.example.com") == Chains{pem("two")});
    folder.put("www.example.com.pem", "half a fi");
    host.advance(1s);
    GANTRY_CHECK(host.offered("www.example.com") == Chains{pem("two")});
    GANTRY_CHECK(host.has_logged("no certificate in PEM form"));
    folder.remove("www.example.com.pem");
    host.advance(1s);
    GANTRY_CHECK(host.offered("www.example.com").empty());
}

void test_a_reload_goes_on() {
    Folder folder;
    folder.put("www.example.com.pem", pem("one"));
    gantry::fake::Host host;
    prepare(host, folder);
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.instances(), 1u);
    folder.put("www.example.com.pem", pem("two"));
    host.advance(1s);
    GANTRY_CHECK(host.offered("www.example.com") == Chains{pem("two")});
}

void test_needs_a_folder() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK(host.errors().at(0).message.find("does not know where") != std::string::npos);
}

}  // namespace

int main() {
    test_offers_what_is_there_while_it_loads();
    test_follows_the_files();
    test_a_reload_goes_on();
    test_needs_a_folder();
    return gantry::fake::result();
}
