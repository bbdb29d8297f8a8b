#include "core/cli/module_commands.hpp"

#include "core/cli/module_check.hpp"
#include "core/cli/module_info.hpp"
#include "core/cli/module_new.hpp"

#include <memory>
#include <string>

namespace gantry::cli {
namespace {

void add_module_info(CLI::App& parent, Commands& all) {
    CLI::App* const info = parent.add_subcommand(
        "info",
        "Print what a module says of itself, without running it, and whether this gantry would load it");
    auto options = std::make_shared<ModuleInfoOptions>();
    info->add_option("file", options->path, "The module: gantry-NAME.so")->type_name("FILE")->required();
    add_format(*info, options->json);
    info->add_flag("-q,--quiet", options->quiet, "Say nothing where it would be loaded");
    info->footer(footer());
    all.push_back({info, [options] { return module_info_command(*options); }});
}

void add_module_check(CLI::App& parent, Commands& all) {
    CLI::App* const check = parent.add_subcommand(
        "check", "Take a module through its life without a configuration, and say what is wrong with it");
    auto options = std::make_shared<ModuleCheckOptions>();
    check->add_option("file", options->path, "The module: gantry-NAME.so; its code is run")
        ->type_name("FILE")
        ->required();
    add_format(*check, options->json);
    check->add_flag("-q,--quiet", options->quiet, "Say nothing where all is well");
    check->footer(footer());
    all.push_back({check, [options] { return module_check_command(*options); }});
}

void add_module_new(CLI::App& parent, Commands& all) {
    CLI::App* const added =
        parent.add_subcommand("new", "Write the project of a new module, with a test and a build");
    auto options = std::make_shared<ModuleNewOptions>();
    added->add_option("name", options->name, "Its name: a-z, 0-9 and -, 32 characters at most")
        ->type_name("NAME")
        ->required();
    added
        ->add_option_function<std::string>(
            "--lang",
            [options](const std::string& language) {
                options->language = language == "c" ? module::Language::C : module::Language::Cpp;
            },
            "The language to write it in (c++)")
        ->type_name("c|c++")
        ->check(one_of({"c", "c++"}));
    added->add_option("--dir", options->folder, "Where to, a new or an empty folder (gantry-NAME)")
        ->type_name("FOLDER");
    add_format(*added, options->json);
    added->add_flag("-q,--quiet", options->quiet, "Say nothing where all went well");
    added->footer(footer());
    all.push_back({added, [options] { return module_new_command(*options); }});
}

}  // namespace

void add_module_commands(CLI::App& app, Commands& all) {
    CLI::App* const module = app.add_subcommand("module", "For those who write modules, or install them");
    module->require_subcommand(1);
    module->footer(footer());
    add_module_info(*module, all);
    add_module_check(*module, all);
    add_module_new(*module, all);
}

}  // namespace gantry::cli
