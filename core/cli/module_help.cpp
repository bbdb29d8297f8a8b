#include "core/cli/module_help.hpp"

#include "core/cli/configuration.hpp"
#include "core/cli/help_text.hpp"
#include "core/cli/roff.hpp"
#include "core/conf/json_text.hpp"
#include "core/conf/load.hpp"
#include "core/module/library.hpp"
#include "core/module/manifest.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using conf::ModuleDoc;
using conf::ModuleSetting;

std::vector<std::string> installed_paths() {
    std::vector<std::string> out;
    for (const std::string& folder : module::module_folders()) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            const std::string file = entry.path().filename().string();
            if (file.starts_with("gantry-") && file.ends_with(".so")) out.push_back(entry.path().string());
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> configured_modules(const std::string& config) {
    std::vector<std::string> out;
    conf::LoadOptions options;
    options.verify = [&](conf::Settings& settings, conf::Diagnostics&) { out = settings.modules; };
    conf::load(config, options);
    return out;
}

std::string value_text(const conf::ModuleKey& key) {
    const std::string range = conf::range_text(key);
    return conf::type_text(key) + (range.empty() ? "" : ", " + range);
}

std::string standard_of(const conf::ModuleKey& key) {
    return key.is_required ? "none, it must be set" : std::string(key.doc.standard);
}

std::string setting_text(const ModuleSetting& setting) {
    const conf::ModuleKey& key = *setting.key;
    std::string out = fmt::format("{}\n\n{}\n", setting.places.front(), wrapped(key.doc.doc, 0));
    append_fact(out, "Module:", setting.module);
    append_fact(out, "Value:", value_text(key));
    append_fact(out, "Default:", standard_of(key));
    if (!key.deprecated.empty()) append_fact(out, "Deprecated:", key.deprecated);
    if (key.is_secret) append_fact(out, "Secret:", "it is never shown");
    if (setting.places.size() > 1)
        append_fact(out, "That is:", fmt::format("{}", fmt::join(setting.places, ", ")));
    append_example(out, conf::example_text(setting));
    if (!key.keys.empty()) {
        fmt::format_to(std::back_inserter(out), "\nIn {}:\n", setting.path);
        for (const conf::ModuleKey& inner : key.keys)
            append_row(out, inner.doc.name, first_sentence(inner.doc.doc));
    }
    return out;
}

const module::Module* find_module(const std::string& name) {
    for (const auto& module : offline_modules().all()) {
        if (module->name == name) return module.get();
    }
    return nullptr;
}

std::string description_of(const module::Module& module) {
    const auto manifest = module::read_manifest(module.library.path);
    return manifest ? manifest->description : std::string();
}

// ---- a page

std::string page_text(const module::Module& module) {
    std::string out = fmt::format("{} {}\n\n{}\n", module.name, module.library.entry->version,
                                  wrapped(description_of(module), 0));
    for (const ModuleSetting& setting : conf::settings_of(module.doc))
        append_row(out, setting.path, first_sentence(setting.key->doc.doc));
    if (!module.library.commands.empty()) out.append("\nCommands:\n");
    for (const module::Command& command : module.library.commands)
        append_row(out, fmt::format("{} {}", module.name, command.name), command.help);
    return out;
}

std::string page_man(const module::Module& module) {
    const std::string title = fmt::format("gantry-module-{}", module.name);
    std::string out = roff_header(title, 5);
    fmt::format_to(std::back_inserter(out), ".SH NAME\n{} \\- {}\n.SH DESCRIPTION\n", roff(title),
                   roff(description_of(module)));
    out.append(roff_sentences(
        fmt::format("A module of gantry(8), loaded by modules = [\"{}\"] in the configuration, "
                    "gantry.toml(5). These are its keys.",
                    module.name)));
    out.append("\n.SH SETTINGS\n");
    for (const ModuleSetting& setting : conf::settings_of(module.doc)) {
        const conf::ModuleKey& key = *setting.key;
        std::string facts = fmt::format("Value: {}.", value_text(key));
        if (key.is_required) facts += " Required.";
        if (!key.doc.standard.empty()) facts += fmt::format(" Default: {}.", key.doc.standard);
        if (!key.deprecated.empty()) facts += fmt::format(" Deprecated: {}.", key.deprecated);
        facts += fmt::format(" Stands at: {}.", fmt::join(setting.places, ", "));
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}\n.br\n{}\n.IP\n{}",
                       roff_argument(setting.path), roff_sentences(key.doc.doc), roff_sentences(facts),
                       roff_example(conf::example_text(setting)));
    }
    if (!module.library.commands.empty()) out.append(".SH COMMANDS\n");
    for (const module::Command& command : module.library.commands)
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}.\n",
                       roff_argument(fmt::format("gantry {} {}", module.name, command.name)),
                       roff_sentences(command.help));
    return out.append(".SH SEE ALSO\n.BR gantry.toml (5),\n.BR gantry (8)\n");
}

std::string page_markdown(const module::Module& module) {
    std::string out = fmt::format("# {}\n\n{}\n", module.name, description_of(module));
    for (const ModuleSetting& setting : conf::settings_of(module.doc)) {
        const conf::ModuleKey& key = *setting.key;
        fmt::format_to(std::back_inserter(out), "\n## `{}`\n\n{}\n\n- Value: {}\n", setting.path, key.doc.doc,
                       value_text(key));
        if (key.is_required) out.append("- Required\n");
        if (!key.doc.standard.empty())
            fmt::format_to(std::back_inserter(out), "- Default: `{}`\n", key.doc.standard);
        if (!key.deprecated.empty())
            fmt::format_to(std::back_inserter(out), "- Deprecated: {}\n", key.deprecated);
        fmt::format_to(std::back_inserter(out), "- Stands at: {}\n\n```toml fragment\n{}\n```\n",
                       fmt::join(setting.places, ", "), conf::example_text(setting));
    }
    if (!module.library.commands.empty()) out.append("\n## Commands\n\n");
    for (const module::Command& command : module.library.commands)
        fmt::format_to(std::back_inserter(out), "- `gantry {} {}`: {}\n", module.name, command.name,
                       command.help);
    return out;
}

}  // namespace

std::vector<const ModuleDoc*> module_docs(const std::string& config) {
    std::vector<const ModuleDoc*> out;
    for (const std::string& name : config.empty() ? installed_paths() : configured_modules(config)) {
        if (const auto doc = offline_modules().open(name)) out.push_back(*doc);
    }
    return out;
}

std::string module_settings_text(const std::vector<ModuleSetting>& settings, const std::string& topic) {
    if (settings.size() == 1) return setting_text(settings.front());
    std::string out = fmt::format("\"{}\" is the name of several settings:\n\n", topic);
    for (const ModuleSetting& setting : settings)
        append_row(out, setting.places.front(), first_sentence(setting.key->doc.doc));
    return out;
}

std::string module_settings_json(const std::vector<ModuleSetting>& settings) {
    std::vector<std::string> all;
    for (const ModuleSetting& setting : settings) {
        const conf::ModuleKey& key = *setting.key;
        std::vector<std::string> places;
        for (const std::string& place : setting.places) places.push_back(conf::json_string(place));
        all.push_back(fmt::format(
            R"({{"name": {}, "module": {}, "places": [{}], "type": {}, "range": {}, "default": {}, "required": {}, )"
            R"("secret": {}, "deprecated": {}, "doc": {}, "example": {}}})",
            conf::json_string(setting.path), conf::json_string(setting.module), fmt::join(places, ", "),
            conf::json_string(conf::type_text(key)), conf::json_string(conf::range_text(key)),
            key.doc.standard.empty() ? std::string("null") : conf::json_string(key.doc.standard),
            key.is_required, key.is_secret,
            key.deprecated.empty() ? std::string("null") : conf::json_string(key.deprecated),
            conf::json_string(key.doc.doc), conf::json_string(conf::example_text(setting))));
    }
    return fmt::format("[\n  {}\n]\n", fmt::join(all, ",\n  "));
}

std::optional<std::string> module_page(const std::vector<const ModuleDoc*>& docs, const std::string& name,
                                       const std::string& format) {
    const bool is_there =
        std::any_of(docs.begin(), docs.end(), [&](const ModuleDoc* doc) { return doc->name == name; });
    const module::Module* const module = is_there ? find_module(name) : nullptr;
    if (module == nullptr) return std::nullopt;
    if (format == "man") return page_man(*module);
    if (format == "markdown") return page_markdown(*module);
    if (format == "json") return module_settings_json(conf::settings_of(module->doc));
    return page_text(*module);
}

}  // namespace gantry::cli
