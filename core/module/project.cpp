#include "core/module/project.hpp"

#include "core/conf/schema.hpp"
#include "core/module/manifest.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry::module {
namespace {

constexpr std::string_view kBuild = R"(cmake_minimum_required(VERSION 3.25)
project(gantry-@name@ VERSION 0.1.0 LANGUAGES C CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
enable_testing()

# Of the package gantry-dev; where it is elsewhere: -DGantrySDK_DIR=FOLDER
find_package(GantrySDK @abi@ REQUIRED)
add_compile_options(-Wall -Wextra)
gantry_add_module(@name@ @name@.@suffix@)
gantry_add_module_test(@name@ @name@_test.cpp)

# Where gantry looks for modules: below /usr/local, the usual prefix.
include(GNUInstallDirs)
install(TARGETS gantry-@name@ LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/gantry/modules")
)";

constexpr std::string_view kTest =
    R"(// What the module does, without a server: a host that does what the test says.
#include <gantry/fake_host.hpp>

static void test_answers() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/hello", {{"@key@", "Hello, ${remote_addr}\n"}});
    host.location("/", {});
    GANTRY_CHECK(host.reload());

    const auto exchange = host.request({.target = "/hello", .client = "192.0.2.1"});
    GANTRY_CHECK_EQUAL(exchange.status(), 200);
    GANTRY_CHECK_EQUAL(exchange.body(), "Hello, 192.0.2.1\n");
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 404);
}

static void test_wants_a_text() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"@key@", ""}});
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors().size(), 1u);
    if (!host.errors().empty()) GANTRY_CHECK_EQUAL(host.errors()[0].message, "@key@ has no text");
}

int main() {
    test_answers();
    test_wants_a_text();
    return gantry::fake::result();
}
)";

constexpr std::string_view kConfiguration =
    R"(# gantry run -c gantry.toml, and then: curl http://127.0.0.1:8080/
modules = ["build/gantry-@name@.so"]  # installed, it is "@name@"

[listener.web]
address = "127.0.0.1:8080"

[host."localhost".location."/"]
@key@ = "Hello, ${remote_addr}\n"
)";

constexpr std::string_view kReadme = R"(# gantry-@name@

A module of the Gantry web server: the key `@key@` of a location answers with a text.

    cmake -B build && cmake --build build     # needs the package gantry-dev
    ctest --test-dir build                    # the test, without a server
    gantry module info build/gantry-@name@.so    # whether this gantry would load it
    gantry run -c gantry.toml                 # and with one: curl http://127.0.0.1:8080/
    sudo cmake --install build                # then `modules = ["@name@"]` finds it

- `@name@.@suffix@` is the module. Where to go from here: modules.md in the documentation of gantry, and the headers in
  `/usr/include/gantry/`, which say of each function its thread, state, ownership and errors.
- `@name@_test.cpp` tests it by `gantry/fake_host.hpp`.
- `gantry.toml` is a configuration to try it with.
)";

void replace(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
}

// Keys of the configuration have underscores.
std::string key_of(std::string_view name) {
    std::string key(name);
    std::replace(key.begin(), key.end(), '-', '_');
    return key;
}

}  // namespace

std::string why_not_named(std::string_view name) {
    if (!is_module_name(name))
        return "names are made of a-z, 0-9 and -, begin with a letter, and have 32 characters at most";
    const conf::Scope* const location = conf::find_scope("host.location");
    const std::string key = key_of(name);
    const bool is_taken =
        location != nullptr && std::any_of(location->keys.begin(), location->keys.end(),
                                           [&](const conf::KeyDoc* known) { return known->name == key; });
    return is_taken ? fmt::format("its key would be \"{}\", and gantry has one of that name itself", key)
                    : std::string();
}

std::vector<ProjectFile> new_project(std::string_view name, Language language) {
    const std::string_view suffix = language == Language::C ? "c" : "cpp";
    const AbiVersion abi = abi_of_this_gantry();
    const std::pair<std::string, std::string> words[] = {
        {"@name@", std::string(name)},
        {"@key@", key_of(name)},
        {"@suffix@", std::string(suffix)},
        {"@abi@", fmt::format("{}.{}", abi.major, abi.minor)},
    };
    std::vector<ProjectFile> files = {
        {"CMakeLists.txt", std::string(kBuild)},
        {fmt::format("{}.{}", name, suffix),
         std::string(language == Language::C ? c_template() : cpp_template())},
        {fmt::format("{}_test.cpp", name), std::string(kTest)},
        {"gantry.toml", std::string(kConfiguration)},
        {"README.md", std::string(kReadme)},
        {".gitignore", "/build/\n"},
    };
    for (ProjectFile& file : files) {
        for (const auto& [from, to] : words) replace(file.text, from, to);
    }
    return files;
}

}  // namespace gantry::module
