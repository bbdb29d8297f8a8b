// The modules of tests/abi/fixtures: where each lies, and what is expected to be said of it. For programs
// with GANTRY_ABI_FIXTURES, where they are built, and GANTRY_SOURCE_DIR.
#pragma once

#include "core/base/version.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gantry/version.h>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::test {

struct AbiFixture {
    std::string name;      // "no-entry"
    std::string path;      // of the library
    std::string manifest;  // before anything of it is run; "" = nothing
    std::string loader;    // when it is loaded; "" = nothing
};

inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
}

// What stands in the first comment behind `tag`, up to the next tag or the end, in one line.
inline std::string expectation(const std::string& source, std::string_view tag, const std::string& path) {
    const std::string comment = source.substr(0, source.find("*/"));
    const std::size_t begin = comment.find("\n * " + std::string(tag));
    if (begin == comment.npos) return "no expectation: " + std::string(tag);
    std::string text = comment.substr(begin + 4 + tag.size());
    for (const char* const other : {"\n * loader:", "\n * prepare:"})
        text.resize(std::min(text.find(other), text.size()));
    replace_all(text, "\n *", " ");
    std::string out;
    std::unique_copy(text.begin(), text.end(), std::back_inserter(out),
                     [](char a, char b) { return a == ' ' && b == ' '; });
    out.erase(0, out.find_first_not_of(' '));
    out.erase(out.find_last_not_of(' ') + 1);
    replace_all(out, "PATH", path);
    replace_all(out, "VERSION", gantry::version());
    replace_all(out, "has ABI",
                "has " + std::to_string(GANTRY_ABI_MAJOR) + "." + std::to_string(GANTRY_ABI_MINOR));
    return out == "-" ? std::string() : out;
}

// abi_fixtures(GANTRY_SOURCE_DIR, GANTRY_ABI_FIXTURES)
inline std::vector<AbiFixture> abi_fixtures(const std::string& tree, const std::string& built) {
    std::vector<AbiFixture> out;
    for (const auto& entry : std::filesystem::directory_iterator(tree + "/tests/abi/fixtures")) {
        if (entry.path().extension() != ".c") continue;
        std::ifstream file(entry.path());
        const std::string source{std::istreambuf_iterator<char>(file), {}};
        AbiFixture fixture;
        fixture.name = entry.path().stem();
        std::replace(fixture.name.begin(), fixture.name.end(), '_', '-');
        fixture.path = built + "/gantry-" + fixture.name + ".so";
        fixture.manifest = expectation(source, "manifest:", fixture.path);
        fixture.loader = expectation(source, "loader:", fixture.path);
        if (fixture.loader == "the same") fixture.loader = fixture.manifest;
        out.push_back(std::move(fixture));
    }
    return out;
}

}  // namespace gantry::test
