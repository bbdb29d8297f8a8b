#include "core/cli/verbs.hpp"

#include "core/cli/answer_text.hpp"
#include "core/cli/asking.hpp"
#include "core/cli/exit_code.hpp"
#include "core/conf/diagnostic.hpp"
#include "core/conf/load.hpp"
#include "core/module/library.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace gantry::cli {
namespace {

namespace json = boost::json;
using module::CommandPart;
using module::Manifest;

// ---- where modules are

// FILE of "-c FILE", "-cFILE", "--config FILE" and "--config=FILE".
std::string config_of(const std::vector<std::string>& words) {
    constexpr std::string_view kLong = "--config=";
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if ((word == "-c" || word == "--config") && i + 1 < words.size()) return words[i + 1];
        if (word.starts_with(kLong)) return word.substr(kLong.size());
        if (word.starts_with("-c") && word.size() > 2) return word.substr(2);
    }
    return RemoteOptions{}.config;
}

// The path of gantry-NAME.so, if the configuration loads it by its path.
std::optional<std::string> configured_path(const std::string& name, const std::string& config) {
    std::vector<std::string> modules;
    conf::LoadOptions options;
    options.verify = [&](conf::Settings& settings, conf::Diagnostics&) { modules = settings.modules; };
    conf::load(config, options);
    const std::string end = fmt::format("/gantry-{}.so", name);
    const auto found = std::find_if(modules.begin(), modules.end(),
                                    [&](const std::string& module) { return module.ends_with(end); });
    return found == modules.end() ? std::nullopt : std::optional(*found);
}

std::optional<std::string> path_of(const std::string& name, const std::string& config) {
    if (!module::is_module_name(name)) return std::nullopt;
    if (auto configured = configured_path(name, config)) return configured;
    auto installed = module::find_library(name, module::module_folders());
    return installed ? std::optional(*installed) : std::nullopt;
}

// By name; a file that is no module, or an unsound one, is passed over.
std::map<std::string, Manifest> installed() {
    std::map<std::string, Manifest> out;
    for (const std::string& folder : module::module_folders()) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            const std::string file = entry.path().filename().string();
            if (!file.starts_with("gantry-") || !file.ends_with(".so")) continue;
            auto manifest = module::read_manifest(entry.path().string());
            if (manifest && module::why_refused(*manifest).empty())
                out.try_emplace(manifest->name, std::move(*manifest));
        }
    }
    return out;
}

// ---- one command

// What was given for the options of a command, in their order.
struct Given {
    std::vector<std::string> values;
    std::vector<bool> flags;
};

json::object body_of(const module::Command& command, const Given& given) {
    json::object body;
    for (std::size_t i = 0; i < command.parts.size(); ++i) {
        const CommandPart& part = command.parts[i];
        if (part.kind == CommandPart::Kind::Flag) {
            if (given.flags[i]) body[part.key()] = true;
        } else if (!given.values[i].empty()) {
            body[part.key()] = given.values[i];
        }
    }
    return body;
}

int run(const RemoteOptions& options, const std::string& module, const module::Command& command,
        const Given& given) {
    const auto response =
        ask(options, http::method_of(command.method), fmt::format("/v1/modules/{}/{}", module, command.path),
            kPatience, body_of(command, given));
    if (const auto code = conclude(options, response))
        return *code == kInvalidConfiguration ? kFailure : *code;
    if (!options.quiet) print(stdout, answer_text(response.body));
    return kOk;
}

std::vector<std::string> choices_of(std::string_view value) {
    std::vector<std::string> out;
    while (value.find('|') != value.npos) {
        out.emplace_back(value.substr(0, value.find('|')));
        value.remove_prefix(out.back().size() + 1);
    }
    if (!out.empty()) out.emplace_back(value);
    return out;
}

void add_part(CLI::App& app, const CommandPart& part, std::string& value) {
    const std::string name = part.kind == CommandPart::Kind::Option ? "--" + part.name : part.name;
    CLI::Option* const option = app.add_option(name, value, part.help)->type_name(part.value);
    option->required(part.is_required);
    if (!part.standard.empty()) value = part.standard;
    if (auto choices = choices_of(part.value); !choices.empty()) option->check(one_of(std::move(choices)));
}

void add_command(CLI::App& group, Commands& all, const std::string& module, const module::Command& command) {
    const Remote remote = add_remote(group, command.name, command.help);
    auto given = std::make_shared<Given>();
    given->values.resize(command.parts.size());
    given->flags.resize(command.parts.size());
    for (std::size_t i = 0; i < command.parts.size(); ++i) {
        const CommandPart& part = command.parts[i];
        if (part.kind != CommandPart::Kind::Flag) {
            add_part(*remote.app, part, given->values[i]);
        } else {
            remote.app->add_flag_callback(
                "--" + part.name, [given, i] { given->flags[i] = true; }, part.help);
        }
    }
    all.push_back({remote.app, [options = remote.options, module, command, given] {
                       return run(*options, module, command, *given);
                   }});
}

void add_module(CLI::App& app, Commands& all, const Manifest& manifest) {
    if (manifest.commands.empty()) return;
    CLI::App* const group = app.add_subcommand(manifest.name, manifest.description);
    group->group("Commands of modules");
    group->require_subcommand(1);
    group->footer(footer());
    for (const module::Command& command : manifest.commands) add_command(*group, all, manifest.name, command);
}

// ---- what was typed

int refuse(const std::string& what, const std::string& remedy) {
    print(stderr, fmt::format("gantry: {}\n      = {}\n", printable(what), printable(remedy)));
    return kUsage;
}

int unknown(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
    for (const auto& [name, manifest] : installed()) {
        if (!manifest.commands.empty()) names.push_back(name);
    }
    std::string hint = conf::did_you_mean(word, {names.begin(), names.end()});
    if (hint.empty())
        hint = fmt::format(
            "gantry help lists commands; modules are looked for in {}, and where -c FILE has them",
            fmt::join(module::module_folders(), ", "));
    return refuse(fmt::format("there is neither a command nor a module \"{}\"", word), hint);
}

bool is_command(const CLI::App& app, const std::string& word) {
    const auto all = app.get_subcommands(nullptr);
    return std::any_of(all.begin(), all.end(),
                       [&](const CLI::App* command) { return command->get_name() == word; });
}

// Where the commands of all modules belong; not where what is printed is to be the same on every machine.
bool lists_commands(const std::vector<std::string>& words) {
    const bool is_published = std::any_of(words.begin(), words.end(), [](const std::string& word) {
        return word == "--all" || word == "--commands";
    });
    return words[0] == "--help" || words[0] == "-h" || words[0] == "completion" ||
           (words[0] == "help" && !is_published);
}

}  // namespace

int add_verbs(CLI::App& app, Commands& all, const std::vector<std::string>& words) {
    if (words.empty()) return kOk;
    const std::string& word = words[0];
    if (lists_commands(words)) {
        for (const auto& [name, manifest] : installed()) {
            if (!is_command(app, name)) add_module(app, all, manifest);
        }
        return kOk;
    }
    if (word.starts_with('-') || is_command(app, word)) return kOk;
    const auto path = path_of(word, config_of(words));
    if (!path) return unknown(app, word);
    const auto manifest = module::read_manifest(*path);
    if (!manifest) return refuse(manifest.error(), "is it a module of gantry, for this system?");
    if (manifest->name != word)
        return refuse(module::why_refused(*manifest), "gantry module info tells more about it");
    if (manifest->commands.empty())
        return refuse(fmt::format("the module {} has no commands", word), "gantry help " + word);
    add_module(app, all, *manifest);
    return kOk;
}

}  // namespace gantry::cli
