// The project of a new module: what `gantry module new` writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::module {

enum class Language : std::uint8_t { C, Cpp };

struct ProjectFile {
    std::string name;  // within the folder of the project
    std::string text;
};

// Why no new module can have that name; empty: it can.
std::string why_not_named(std::string_view name);

// Sources with one key and one handler, a test of them, a build, a configuration to try it with, and a
// README. `name`: one that it can have.
std::vector<ProjectFile> new_project(std::string_view name, Language language);

// The sources, where @name@ stands for the name and @key@ for that of its key.
std::string_view c_template();
std::string_view cpp_template();

}  // namespace gantry::module
