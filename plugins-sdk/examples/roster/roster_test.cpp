// The roster without a server.
#include "gantry/fake_host.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using Found = std::vector<gantry::fake::FoundPeer>;

struct File {
    std::string path =
        std::filesystem::temp_directory_path() / ("roster-test-" + std::to_string(getpid()) + ".peers");
    ~File() { std::remove(path.c_str()); }
    void write(const char* text) const { std::ofstream{path} << text; }
};

void test_peers_are_those_of_the_file() {
    const File file;
    file.write("127.0.0.1:3000\n\n127.0.0.1:3001 2\n");
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.upstream("app", {{"roster", file.path}});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(host.peers("app") == Found({{"127.0.0.1:3000", 1}, {"127.0.0.1:3001", 2}}));
    file.write("unix:/run/app.sock\n");
    host.advance(1s);
    GANTRY_CHECK(host.peers("app") == Found({{"unix:/run/app.sock", 1}}));
    file.write("nonsense\n");
    host.advance(1s);
    GANTRY_CHECK(host.peers("app") == Found({{"unix:/run/app.sock", 1}}));
    file.write("");
    host.advance(1s);
    GANTRY_CHECK_EQUAL(host.peers("app").size(), std::size_t{1});
}

void test_a_session_stays_where_it_is() {
    const File file;
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.upstream("app", {{"roster", file.path}});
    GANTRY_CHECK(host.reload());
    std::vector<gantry_candidate_t> peers{
        {GANTRY_BYTES("a:1"), 1, 0}, {GANTRY_BYTES("b:1"), 1, 0}, {GANTRY_BYTES("c:1"), 1, 0}};
    const auto pick = [&](const std::string& session) {
        return host.pick("app", {.fields = {{"X-Session", session}}}, peers);
    };
    GANTRY_CHECK(!host.pick("app", {}, peers));
    std::vector<std::size_t> places;
    std::vector<int> counts(3);
    for (int i = 0; i < 300; ++i) {
        const auto place = pick(std::to_string(i));
        GANTRY_CHECK(place && *place < 3);
        places.push_back(*place);
        ++counts[*place];
    }
    for (const int count : counts) GANTRY_CHECK(count > 50);
    peers[1].flags = GANTRY_CANDIDATE_RESTING;
    for (int i = 0; i < 300; ++i) {
        const auto place = pick(std::to_string(i));
        GANTRY_CHECK(place && *place != 1);
        if (places[static_cast<std::size_t>(i)] != 1)
            GANTRY_CHECK(*place == places[static_cast<std::size_t>(i)]);
    }
}

}  // namespace

int main() {
    test_peers_are_those_of_the_file();
    test_a_session_stays_where_it_is();
    return gantry::fake::result();
}
