// `gantry module new`: writes the project of a new module.
#pragma once

#include "core/module/project.hpp"

#include <string>

namespace gantry::cli {

struct ModuleNewOptions {
    std::string name;
    std::string folder;  // "" = gantry-NAME
    module::Language language = module::Language::Cpp;
    bool json = false;
    bool quiet = false;
};

// Overwrites nothing: the folder is new, or empty. Returns an ExitCode: kUsage where no module can have that
// name.
int module_new_command(const ModuleNewOptions& options);

}  // namespace gantry::cli
