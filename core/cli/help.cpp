#include "core/cli/help.hpp"

#include "core/cli/exit_code.hpp"
#include "core/cli/help_text.hpp"
#include "core/cli/manual.hpp"
#include "core/cli/module_help.hpp"
#include "core/conf/diagnostic.hpp"
#include "core/conf/json_text.hpp"
#include "core/server/variable.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <optional>

namespace gantry::cli {
namespace {

constexpr std::string_view kVariables = "variables";

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

// ---- one setting

std::string setting_text(const conf::Setting& setting) {
    const conf::KeyDoc& key = *setting.key;
    std::string out = fmt::format("{}\n\n{}\n", setting.path, wrapped(key.doc, 0));
    const auto fact = [&](std::string_view name, std::string_view value) { append_fact(out, name, value); };
    std::string type = conf::type_text(key);
    if (const std::string range = conf::range_text(key); !range.empty()) type += ", " + range;
    fact("Value:", type);
    fact("Default:", key.need == conf::Need::Required ? "none, it must be set" : key.standard);
    fact("Stands in:", setting.scope->name);
    std::vector<std::string_view> places = conf::places_of(key);
    if (places.size() > 1) fact("That is:", fmt::format("{}", fmt::join(places, ", ")));
    append_example(out, conf::example_text(setting));
    if (const conf::Scope* const table = conf::find_scope(key.forms.table); table != nullptr) {
        fmt::format_to(std::back_inserter(out), "\nIn {}:\n", table->name);
        for (const conf::KeyDoc* inner : table->keys)
            append_row(out, inner->name, first_sentence(inner->doc));
    }
    return out;
}

std::string scope_text(const conf::Scope& scope) {
    std::string out = fmt::format("{}\n\n{}\n", scope.name, wrapped(scope.doc, 0));
    for (const conf::KeyDoc* key : scope.keys) append_row(out, key->name, first_sentence(key->doc));
    return out;
}

std::string variables_text() {
    std::string out = "In settings whose value is a string with variables, ${NAME} stands for:\n\n";
    for (const server::VariableInfo& variable : server::all_variables()) {
        append_row(out, fmt::format("{}{}", variable.name, variable.suffix), variable.doc);
    }
    return out;
}

std::string variables_json() {
    std::vector<std::string> all;
    for (const server::VariableInfo& variable : server::all_variables()) {
        all.push_back(fmt::format(R"({{"name": {}, "doc": {}}})",
                                  conf::json_string(fmt::format("{}{}", variable.name, variable.suffix)),
                                  conf::json_string(variable.doc)));
    }
    return fmt::format("[\n  {}\n]\n", fmt::join(all, ",\n  "));
}

// ---- all that there is

std::string index_text(const CommandDoc& gantry) {
    std::string out = "gantry help TOPIC says more about each of these.\n\nCommands:\n";
    for (const CommandDoc& command : gantry.commands) append_row(out, command.word(), command.text);
    out.append("\nSections of the configuration:\n");
    for (const conf::KeyDoc* key : conf::all_scopes().front().keys) {
        append_row(out, key->name, first_sentence(key->doc));
    }
    out.append("\nMore:\n");
    append_row(out, "listener.backlog", "A setting: its section and its name, or the name alone.");
    append_row(out, kVariables, "What ${…} stands for in strings with variables.");
    append_row(out, "--all", "All settings; --format says how: text, markdown, man or json.");
    append_row(out, "--commands", "All commands, likewise.");
    return out;
}

std::string index_json(const CommandDoc& gantry) {
    std::vector<std::string> commands;
    for (const CommandDoc& command : gantry.commands) commands.push_back(conf::json_string(command.word()));
    std::vector<std::string> settings;
    for (const std::string& topic : help_topics()) settings.push_back(conf::json_string(topic));
    return fmt::format("{{\"commands\": [{}],\n \"settings\": [{}]}}\n", fmt::join(commands, ", "),
                       fmt::join(settings, ", "));
}

std::string settings_text() {
    std::string out;
    for (const conf::Scope& scope : conf::all_scopes()) {
        fmt::format_to(std::back_inserter(out), "{}---- {}\n\n{}", out.empty() ? "" : "\n", scope.name,
                       wrapped(scope.doc, 0));
        for (const conf::KeyDoc* key : scope.keys) {
            const std::string path =
                scope.path.empty() ? std::string(key->name) : fmt::format("{}.{}", scope.path, key->name);
            out.append("\n").append(setting_text({path, &scope, key}));
        }
    }
    return out;
}

std::string commands_text(const CLI::App& gantry) {
    std::string out;
    for (const CLI::App* command : gantry.get_subcommands(nullptr)) {
        if (!command->get_group().empty())
            out.append(out.empty() ? "" : "\n").append(command->help("gantry"));
    }
    return out;
}

int print_all(const HelpOptions& options, const CLI::App& gantry) {
    const std::string& format = options.format;
    if (options.commands) {
        const CommandDoc docs = describe(gantry);
        print(format == "man"        ? commands_man(docs)
              : format == "markdown" ? commands_markdown(docs)
              : format == "json"     ? index_json(docs)
                                     : commands_text(gantry));
        return kOk;
    }
    print(format == "man"        ? settings_man()
          : format == "markdown" ? settings_markdown()
          : format == "json"     ? settings_json()
                                 : settings_text());
    return kOk;
}

// ---- one topic

const CLI::App* find_command(const CLI::App& gantry, const std::vector<std::string>& words) {
    const CLI::App* at = &gantry;
    for (const std::string& word : words) {
        const auto inner = at->get_subcommands([&](const CLI::App* command) {
            return command->get_name() == word && !command->get_group().empty();
        });
        if (inner.empty()) return nullptr;
        at = inner.front();
    }
    return at;
}

// No module has brought it along.
bool is_own(const CLI::App& command) {
    return command.get_group() != "Commands of modules";
}

// The last `count` parts of a path; empty where it has fewer.
std::string_view end_of(std::string_view path, std::size_t count) {
    std::size_t at = path.size();
    while (count-- > 0) {
        at = path.rfind('.', at - 1);
        if (at == path.npos) return count == 0 ? path : std::string_view();
    }
    return path.substr(at + 1);
}

// Installed modules, and those of the configuration that was named.
std::vector<const conf::ModuleDoc*> all_modules(const std::string& config) {
    std::vector<const conf::ModuleDoc*> docs = module_docs("");
    if (config.empty()) return docs;
    for (const conf::ModuleDoc* doc : module_docs(config)) {
        if (std::find(docs.begin(), docs.end(), doc) == docs.end()) docs.push_back(doc);
    }
    return docs;
}

// A key of a module, or a module. nullopt: there is no such thing.
std::optional<std::string> module_topic(const HelpOptions& options, const std::string& topic) {
    const auto docs = all_modules(options.config);
    const auto found = conf::find_module_settings(docs, topic);
    const bool is_page = options.format == "man" || options.format == "markdown";
    if (found.empty() || is_page) return module_page(docs, topic, options.format);
    return options.format == "json" ? module_settings_json(found) : module_settings_text(found, topic);
}

int unknown_topic(const std::string& topic, const CommandDoc& gantry) {
    // Compared with as many parts as were given: "static.rot" is near "static.root".
    const auto parts = 1 + static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '.'));
    std::vector<std::string> commands;
    for (const CommandDoc& command : gantry.commands) commands.push_back(command.word());
    std::vector<std::string_view> names(commands.begin(), commands.end());
    names.push_back(kVariables);
    if (parts > 1) names.clear();
    std::vector<std::string_view> keys;
    for (const conf::Setting& setting : conf::all_settings()) {
        names.push_back(end_of(setting.path, parts));
        keys.push_back(setting.key->name);
    }
    std::string hint = conf::did_you_mean(topic, names);
    if (hint.empty()) hint = conf::did_you_mean(topic.substr(topic.rfind('.') + 1), keys);
    if (hint.empty()) hint = "gantry help says what there is";
    std::fprintf(stderr, "gantry help: there is neither a command nor a setting \"%s\"; %s\n", topic.c_str(),
                 hint.c_str());
    return kUsage;
}

int print_settings(const std::vector<const conf::Setting*>& found, const std::string& topic, bool json) {
    if (json) {
        std::vector<std::string> all;
        for (const conf::Setting* setting : found) all.push_back(setting_json(*setting));
        print(fmt::format("[\n  {}\n]\n", fmt::join(all, ",\n  ")));
        return kOk;
    }
    if (found.size() == 1) {
        print(setting_text(*found.front()));
        return kOk;
    }
    std::string out = fmt::format("\"{}\" is the name of several settings:\n\n", topic);
    for (const conf::Setting* setting : found)
        append_row(out, setting->path, first_sentence(setting->key->doc));
    print(out);
    return kOk;
}

}  // namespace

std::vector<std::string> help_topics() {
    std::vector<std::string> out;
    for (const conf::Setting& setting : conf::all_settings()) out.push_back(setting.path);
    out.emplace_back(kVariables);
    return out;
}

int help_command(const HelpOptions& options, const CLI::App& gantry) {
    if (options.all || options.commands) return print_all(options, gantry);
    if (options.format == "man" || options.format == "markdown") {
        const auto page = options.topic.size() == 1 ? module_topic(options, options.topic[0]) : std::nullopt;
        if (page) {
            print(*page);
            return kOk;
        }
        std::fprintf(stderr, "gantry help: %s is for --all, --commands and modules\n",
                     options.format.c_str());
        return kUsage;
    }
    const bool json = options.format == "json";
    const CommandDoc docs = describe(gantry);
    if (options.topic.empty()) {
        print(json ? index_json(docs) : index_text(docs));
        return kOk;
    }
    const std::string topic = fmt::format("{}", fmt::join(options.topic, " "));
    if (topic == kVariables) {
        print(json ? variables_json() : variables_text());
        return kOk;
    }
    const auto found = conf::find_settings(topic);
    if (const CLI::App* const command = find_command(gantry, options.topic); command != nullptr && !json) {
        std::string before = "gantry";
        for (std::size_t i = 0; i + 1 < options.topic.size(); ++i) before += " " + options.topic[i];
        print(command->help(before));
        if (!found.empty() && found.front()->path == topic) {  // called the same
            print("\n");
            return print_settings(found, topic, json);
        }
        if (!found.empty()) print(fmt::format("\nThe setting: gantry help {}\n", found.front()->path));
        if (const auto module = is_own(*command) ? std::nullopt : module_topic(options, topic))
            print("\n" + *module);
        return kOk;
    }
    if (!found.empty()) return print_settings(found, topic, json);
    if (const conf::Scope* const scope = conf::find_scope(topic); scope != nullptr && !json) {
        print(scope_text(*scope));
        return kOk;
    }
    if (const auto module = module_topic(options, topic)) {
        print(*module);
        return kOk;
    }
    return unknown_topic(topic, docs);
}

}  // namespace gantry::cli
