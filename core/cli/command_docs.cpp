#include "core/cli/command_docs.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

// CLI11 puts what a validator says behind the name of the type: "text|json:{text,json}".
std::string type_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    return type.substr(0, type.find(":{"));
}

OptionDoc describe_option(const CLI::Option& option) {
    OptionDoc out;
    if (!option.get_snames().empty()) out.brief = "-" + option.get_snames().front();
    if (!option.get_lnames().empty()) out.full = "--" + option.get_lnames().front();
    out.is_positional = !option.nonpositional();
    if (out.is_positional) out.full = type_of(option);
    out.value = option.get_type_size_max() == 0 ? std::string() : type_of(option);
    out.text = option.get_description();
    out.is_required = option.get_required();
    out.is_repeated = option.get_items_expected_max() > 1;
    return out;
}

CommandDoc describe_command(const CLI::App& app, const std::string& before) {
    CommandDoc out;
    out.name = before.empty() ? app.get_name() : fmt::format("{} {}", before, app.get_name());
    out.text = app.get_description();
    for (const CLI::Option* option : app.get_options()) {
        const bool is_hidden = option->get_group().empty();
        if (!is_hidden && option != app.get_help_ptr()) out.options.push_back(describe_option(*option));
    }
    for (const CLI::App* command : app.get_subcommands(nullptr)) {
        if (!command->get_group().empty()) out.commands.push_back(describe_command(*command, out.name));
    }
    return out;
}

}  // namespace

std::vector<std::string> OptionDoc::choices() const {
    std::vector<std::string> out;
    if (value.find('|') == value.npos) return out;
    std::size_t begin = 0;
    for (std::size_t bar = 0; bar != value.npos; begin = bar + 1) {
        bar = value.find('|', begin);
        out.push_back(value.substr(begin, bar == value.npos ? bar : bar - begin));
    }
    return out;
}

std::string OptionDoc::heading() const {
    if (is_positional) return is_repeated ? full + "..." : full;
    std::string out = brief;
    if (!full.empty()) out.append(out.empty() ? "" : ", ").append(full);
    return value.empty() ? out : fmt::format("{} {}", out, value);
}

std::string CommandDoc::word() const {
    return name.substr(name.rfind(' ') + 1);
}

std::string CommandDoc::synopsis() const {
    std::string out = name;
    for (const OptionDoc& option : options) {
        std::string part = option.is_positional ? option.heading() : option.brief;
        if (part.empty()) part = option.full;
        if (option.takes_value()) part.append(" ").append(option.value);
        out.append(option.is_required ? fmt::format(" {}", part) : fmt::format(" [{}]", part));
    }
    return out;
}

CommandDoc describe(const CLI::App& app) {
    return describe_command(app, "");
}

}  // namespace gantry::cli
