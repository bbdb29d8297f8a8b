#include "core/module/project.hpp"

#include "core/module/manifest.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <fmt/format.h>

using namespace gantry::module;

namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::vector<std::string> names_of(const std::vector<ProjectFile>& files) {
    std::vector<std::string> out;
    for (const ProjectFile& file : files) out.push_back(file.name);
    return out;
}

const std::string& text_of(const std::vector<ProjectFile>& files, std::string_view name) {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const ProjectFile& file) { return file.name == name; });
    INFO(name);
    REQUIRE(found != files.end());
    return found->text;
}

}  // namespace

TEST_CASE("project: the files of each language", "[module][project]") {
    CHECK(names_of(new_project("my-tea", Language::C)) ==
          std::vector<std::string>{"CMakeLists.txt", "my-tea.c", "my-tea_test.cpp", "gantry.toml",
                                   "README.md", ".gitignore"});
    CHECK(names_of(new_project("tea", Language::Cpp))[1] == "tea.cpp");
}

TEST_CASE("project: the name stands wherever it belongs", "[module][project]") {
    for (const Language language : {Language::C, Language::Cpp}) {
        const auto files = new_project("my-tea", language);
        for (const ProjectFile& file : files) {
            INFO(file.name);
            CHECK_FALSE(contains(file.text, "@"));
            CHECK(file.text.ends_with('\n'));
        }
        const std::string& source = text_of(files, language == Language::C ? "my-tea.c" : "my-tea.cpp");
        CHECK(contains(source, "(\"my-tea\", \"0.1.0\""));
        CHECK(contains(source, "\"my_tea\""));
        CHECK(contains(text_of(files, "gantry.toml"), "modules = [\"build/gantry-my-tea.so\"]"));
        CHECK(contains(text_of(files, "gantry.toml"), "\nmy_tea = "));
        const AbiVersion abi = abi_of_this_gantry();
        CHECK(contains(text_of(files, "CMakeLists.txt"),
                       fmt::format("find_package(GantrySDK {}.{} REQUIRED)", abi.major, abi.minor)));
    }
}

TEST_CASE("project: names that no module can have", "[module][project]") {
    CHECK(why_not_named("teapot").empty());
    CHECK(why_not_named("proxy-protocol").empty());
    CHECK(contains(why_not_named("Tea"), "names are made of a-z"));
    CHECK(contains(why_not_named(""), "names are made of a-z"));
    CHECK(why_not_named("proxy") == "its key would be \"proxy\", and gantry has one of that name itself");
    CHECK(contains(why_not_named("request-headers"), "its key would be \"request_headers\""));
}
