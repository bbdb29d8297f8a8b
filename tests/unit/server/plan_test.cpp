#include "core/server/plan.hpp"

#include "core/conf/load.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <string>

using gantry::conf::Settings;
using gantry::server::Change;
using gantry::server::changes;
using gantry::server::render_changes;

namespace {

Settings settings_of(const std::string& text) {
    const auto loaded = gantry::conf::load_text("/etc/gantry/gantry.toml", text);
    INFO(loaded.diagnostics.render_text());
    REQUIRE(loaded.settings);
    return *loaded.settings;
}

const std::string kListener = "[listener.web]\naddress = \"127.0.0.1:8080\"\n";
const std::string kHost = "[host.\"a.example\"]\nmax_body = \"1MiB\"\n";
const std::string kLocations =
    "[host.\"a.example\".location.\"/\"]\nrespond = \"a\"\n[host.\"a.example\".location.\"/b/\"]\nrespond = "
    "403\n";

// Without the places, which hold the name of a file that is different each time.
std::string difference(const std::string& old, const std::string& next) {
    auto found = changes(settings_of(old), settings_of(next));
    for (Change& change : found) {
        if (change.kind != Change::Kind::Server) CHECK_FALSE(change.place.empty());
        change.place.clear();
    }
    return render_changes(found);
}

}  // namespace

TEST_CASE("plan: the same text changes nothing, wherever its lines stand", "[server][plan]") {
    const std::string text = kListener + kHost + kLocations;
    CHECK(difference(text, text).empty());
    CHECK(difference(text, "\n# moved\n\n" + text).empty());
}

TEST_CASE("plan: what is different is said with both values", "[server][plan]") {
    const std::string old = kListener + kHost + kLocations;
    std::string next = old;
    next.replace(next.find("1MiB"), 4, "2MiB");
    CHECK(difference(old, next) == "~ host a.example\n    max_body: 1048576 -> 2097152\n");
}

TEST_CASE("plan: a value that goes back to its default", "[server][plan]") {
    CHECK(difference(kListener + "backlog = 17\n" + kHost + kLocations, kListener + kHost + kLocations) ==
          "~ listener web\n    backlog: 17 -> default\n"
          "    = backlog takes effect when an address is opened anew\n");
}

TEST_CASE("plan: hosts come and go with their locations, locations by themselves", "[server][plan]") {
    const std::string other = "[host.\"b.example\"]\n[host.\"b.example\".location.\"/\"]\nrespond = \"b\"\n";
    const std::string text = kListener + kHost + kLocations;
    CHECK(difference(text, text + other) == "+ host b.example\n");
    CHECK(difference(text + other, text) == "- host b.example\n");
    const std::string more = "[host.\"a.example\".location.\"/c\"]\nrespond = \"c\"\n";
    CHECK(difference(text, text + more) == "+ location /c of host a.example\n");
    CHECK(difference(text + more, text) == "- location /c of host a.example\n");
}

TEST_CASE("plan: which sockets open and close", "[server][plan]") {
    const std::string rest = kHost + kLocations;
    const std::string both = "[listener.web]\naddress = [\"127.0.0.1:8080\", \"127.0.0.1:8081\"]\n";
    CHECK(difference(kListener + rest, both + rest) ==
          "~ listener web\n    address: [127.0.0.1:8080] -> [127.0.0.1:8080, 127.0.0.1:8081]\n"
          "    = opens 127.0.0.1:8081\n");
    CHECK(difference(both + rest, kListener + rest) ==
          "~ listener web\n    address: [127.0.0.1:8080, 127.0.0.1:8081] -> [127.0.0.1:8080]\n"
          "    = closes 127.0.0.1:8081\n");
    const std::string second = "[listener.second]\naddress = \"127.0.0.1:8081\"\n";
    CHECK(difference(kListener + second + rest, kListener + rest)
              .find("- listener second\n    = closes 127.0.0.1:8081\n    = its connections end after the "
                    "response they are at\n") != std::string::npos);
    const std::string moved = "[listener.other]\naddress = \"127.0.0.1:8080\"\n";
    CHECK(difference(kListener + rest, moved + rest)
              .find("= reopens 127.0.0.1:8080, which was listener web's") != std::string::npos);
}

TEST_CASE("plan: settings that wait for a start say so", "[server][plan]") {
    const std::string rest = kListener + kHost + kLocations;
    CHECK(difference(rest, "[server]\nworkers = 3\n" + rest) ==
          "~ [server]\n    workers: default -> 3\n    = workers takes effect with the next start\n");
}

TEST_CASE("plan: the order of locations is a change of their host", "[server][plan]") {
    const std::string first = "[host.\"a.example\".location.'~a']\nrespond = \"a\"\n";
    const std::string second = "[host.\"a.example\".location.'~b']\nrespond = \"b\"\n";
    CHECK(difference(kListener + kHost + first + second, kListener + kHost + second + first) ==
          "~ host a.example\n    the order of its locations\n");
}

TEST_CASE("plan: an upstream is named, whatever its number is", "[server][plan]") {
    const auto upstream = [](const std::string& name, const std::string& port) {
        return "[upstream." + name + "]\npeers = [\"127.0.0.1:" + port + "\"]\n";
    };
    const std::string rest = kListener + kHost +
                             "[host.\"a.example\".location.\"/\"]\nproxy = \"app\"\n"
                             "[host.\"a.example\".location.\"/x\"]\nproxy = \"aaa\"\n";
    CHECK(difference(upstream("app", "1") + upstream("aaa", "3") + rest,
                     upstream("aaa", "3") + upstream("app", "2") + rest) ==
          "~ upstream app\n    peers: [127.0.0.1:1] -> [127.0.0.1:2]\n");
}

TEST_CASE("plan: what changed everywhere in the same way is shown a few times", "[server][plan]") {
    std::string hosts;
    for (int i = 0; i < 20; ++i) {
        const std::string host = "[host.\"h" + std::to_string(i) + ".example\"";
        hosts += host + "]\n" + host + ".location.\"/\"]\nrespond = \"x\"\n";
    }
    const std::string old = kListener + hosts;
    const std::string next = "[server.response_headers.set]\nX-A = \"1\"\n" + kListener + hosts;
    const auto found = changes(settings_of(old), settings_of(next));
    CHECK(found.size() == 40);
    const std::string text = render_changes(found);
    CHECK(std::count(text.begin(), text.end(), '\n') == 14);
    CHECK(text.find("~ … and 17 more in the same way\n") != std::string::npos);
}
