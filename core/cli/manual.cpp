#include "core/cli/manual.hpp"

#include "core/conf/json_text.hpp"
#include "core/server/variable.hpp"

#include <fmt/format.h>

namespace gantry::cli {
namespace {

// In a cell of a table a bar would end it.
std::string in_cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

// What stands in prose, so that nothing of it is taken for markup.
std::string prose(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '_' || c == '<' || c == '`' || c == '[' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

// As GitHub makes them of headings.
std::string anchor(std::string_view heading) {
    std::string out;
    for (const char c : heading) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
        if (lower == ' ') out.push_back('-');
        if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_' || lower == '-')
            out.push_back(lower);
    }
    return out;
}

std::string_view where_known(server::Stage stage) {
    switch (stage) {
        case server::Stage::Request:
            return "everywhere";
        case server::Stage::Response:
            return "response_headers, error_pages, access_log";
        case server::Stage::Log:
            return "access_log";
    }
    return "";
}

void append_setting(std::string& out, const conf::Scope& scope, const conf::KeyDoc& key) {
    fmt::format_to(std::back_inserter(out), "### `{}` in {}\n\n{}\n\n", key.name, prose(scope.name),
                   prose(key.doc));
    std::string type = prose(conf::type_text(key));
    if (const std::string range = conf::range_text(key); !range.empty()) type += ", " + prose(range);
    fmt::format_to(std::back_inserter(out), "- Value: {}\n", type);
    if (const conf::Scope* const table = conf::find_scope(key.forms.table); table != nullptr) {
        fmt::format_to(std::back_inserter(out), "- The table: [{}](#{})\n", prose(table->name),
                       anchor(table->name));
    }
    if (key.need == conf::Need::Required) out.append("- Required\n");
    if (!key.standard.empty()) fmt::format_to(std::back_inserter(out), "- Default: `{}`\n", key.standard);
    fmt::format_to(std::back_inserter(out), "\n```toml fragment\n{}\n```\n\n",
                   conf::example_text({std::string(), &scope, &key}));
}

void append_one(std::string& out, const CommandDoc& command) {
    fmt::format_to(std::back_inserter(out), "\n## `{}`\n\n{}.\n\n", command.synopsis(), prose(command.text));
    for (const OptionDoc& option : command.options) {
        fmt::format_to(std::back_inserter(out), "- `{}`: {}\n", option.heading(), prose(option.text));
    }
}

void append_command(std::string& out, const CommandDoc& command) {
    if (!command.is_group()) append_one(out, command);
    for (const CommandDoc& inner : command.commands) append_command(out, inner);
}

}  // namespace

std::string settings_markdown() {
    std::string out =
        "<!-- Made by: gantry help --all --format markdown. Change the texts in core/conf/load_*.cpp. -->\n\n"
        "# Settings\n\n"
        "Every section of the configuration with every setting. How the files are written, how a request "
        "finds\n"
        "its host and its location, and what templates are: "
        "[configuration-guide.md](configuration-guide.md).\n"
        "The same at the command line: `gantry help listener.backlog`.\n\n";
    for (const conf::Scope& scope : conf::all_scopes()) {
        fmt::format_to(std::back_inserter(out), "- [{}](#{}): {}\n", prose(scope.name), anchor(scope.name),
                       prose(scope.doc));
    }
    out.append("- [Variables](#variables)\n\n");
    for (const conf::Scope& scope : conf::all_scopes()) {
        fmt::format_to(std::back_inserter(out), "## {}\n\n{}\n\n", prose(scope.name), prose(scope.doc));
        for (const conf::KeyDoc* key : scope.keys) append_setting(out, scope, *key);
    }
    out.append(
        "## Variables\n\nIn settings whose value is a string with variables, `${NAME}` stands for:\n\n"
        "| Variable | What it is | Where |\n|---|---|---|\n");
    for (const server::VariableInfo& variable : server::all_variables()) {
        fmt::format_to(std::back_inserter(out), "| `{}{}` | {} | {} |\n", variable.name, variable.suffix,
                       in_cell(prose(variable.doc)), prose(where_known(variable.stage)));
    }
    return out;
}

std::string commands_markdown(const CommandDoc& gantry) {
    std::string out = "<!-- Made by: gantry help --commands --format markdown -->\n\n# Commands\n";
    for (const CommandDoc& command : gantry.commands) append_command(out, command);
    return out;
}

std::string setting_json(const conf::Setting& setting) {
    const conf::KeyDoc& key = *setting.key;
    std::vector<std::string> places;
    for (const std::string_view place : conf::places_of(key)) places.push_back(conf::json_string(place));
    return fmt::format(
        R"({{"name": {}, "table": {}, "places": [{}], "type": {}, "range": {}, "default": {}, "required": {}, )"
        R"("doc": {}, "example": {}}})",
        conf::json_string(key.name), conf::json_string(setting.scope->name), fmt::join(places, ", "),
        conf::json_string(conf::type_text(key)), conf::json_string(conf::range_text(key)),
        key.standard.empty() ? std::string("null") : conf::json_string(key.standard),
        key.need == conf::Need::Required, conf::json_string(key.doc),
        conf::json_string(conf::example_text(setting)));
}

std::string settings_json() {
    std::vector<std::string> all;
    for (const conf::Scope& scope : conf::all_scopes()) {
        for (const conf::KeyDoc* key : scope.keys) {
            all.push_back(setting_json({std::string(), &scope, key}));
        }
    }
    return fmt::format("[\n  {}\n]\n", fmt::join(all, ",\n  "));
}

}  // namespace gantry::cli
