#include "core/conf/json_schema.hpp"

#include "core/conf/json_schema_parts.hpp"
#include "core/conf/json_text.hpp"
#include "core/conf/module_schema.hpp"
#include "core/conf/schema.hpp"
#include "core/conf/units.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <vector>

namespace gantry::conf {
namespace {
// Whatever comes from the environment or a file is known only where it is loaded.
constexpr std::string_view kInterpolated = "\\$\\{";
}  // namespace

std::string interpolated_schema() {
    return fmt::format(R"({{"type": "string", "pattern": {}}})", json_string(kInterpolated));
}

std::string pattern_schema(std::string_view expression) {
    return fmt::format(R"({{"type": "string", "pattern": {}}})",
                       json_string(fmt::format("{}|{}", expression, kInterpolated)));
}

std::string any_of_schema(std::string_view keyword, const std::vector<std::string>& forms) {
    if (forms.size() == 1) return forms.front();
    return fmt::format(R"({{"{}": [{}]}})", keyword, fmt::join(forms, ", "));
}

std::string integer_schema(std::int64_t least, std::uint64_t most) {
    const bool has_end = most <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return fmt::format(R"({{"type": "integer", "minimum": {}{}}})", least,
                       has_end ? fmt::format(R"(, "maximum": {})", most) : std::string());
}

std::string list_schema(const std::string& items) {
    return fmt::format(R"({{"type": "array", "items": {}}})", items);
}

namespace {

bool is_number(std::string_view text) {
    return text.find_first_not_of("0123456789") == text.npos;
}

std::string words(const KeyDoc& key) {
    std::vector<std::string> quoted;
    for (const std::string_view choice : key.choices) {
        quoted.push_back(is_number(choice) ? std::string(choice) : json_string(choice));
    }
    return fmt::format(R"({{"enum": [{}]}})", fmt::join(quoted, ", "));
}

// A string as this key takes it.
std::string text(const KeyDoc& key) {
    if (!key.forms.pattern.empty()) return pattern_schema(key.forms.pattern);
    if (key.choices.empty()) return R"({"type": "string"})";
    // Only a Special takes other words as well; editors still offer these.
    const bool is_open = key.type == Type::Special;
    return any_of_schema("anyOf", {words(key), is_open ? R"({"type": "string"})" : interpolated_schema()});
}

std::string reference(std::string_view path) {
    return fmt::format(R"({{"$ref": "#/definitions/{}"}})", path);
}

std::vector<std::string> forms_of_type(const KeyDoc& key) {
    const auto least = static_cast<std::int64_t>(key.min);
    switch (key.type) {
        case Type::Boolean:
            return {R"({"type": "boolean"})"};
        case Type::Integer:
            if (key.forms.integer) return {};  // with limits of its own, below
            if (key.choices.empty()) return {integer_schema(least, key.max)};
            if (is_number(key.choices.front())) return {words(key)};
            return {integer_schema(least, key.max), words(key)};
        case Type::Size:
            return {integer_schema(least, key.max), pattern_schema(size_pattern())};
        case Type::Timespan:
            return {pattern_schema(duration_pattern())};
        case Type::String:
        case Type::Path:
        case Type::Template:
        case Type::Choice:
            return {text(key)};
        case Type::Strings:
        case Type::Paths:
        case Type::Templates:
            return {text(key), list_schema(text(key))};
        case Type::Table:
        case Type::Special:
            break;
    }
    return {};
}

std::string value(const KeyDoc& key) {
    const Forms& forms = key.forms;
    std::vector<std::string> out = forms_of_type(key);
    if (forms.boolean) out.emplace_back(R"({"type": "boolean"})");
    if (forms.integer) out.push_back(integer_schema(forms.least, static_cast<std::uint64_t>(forms.most)));
    if (forms.text) out.push_back(text(key));
    if (!forms.table.empty()) out.push_back(reference(forms.table));
    if (forms.list) out.push_back(list_schema(any_of_schema("anyOf", out)));
    if (!forms.named) return any_of_schema("oneOf", out);
    const std::string names = forms.names.empty() ? std::string()
                                                  : fmt::format(R"(, "propertyNames": {{"pattern": {}}})",
                                                                json_string(forms.names));
    return fmt::format(R"({{"type": "object"{}, "additionalProperties": {}}})", names,
                       any_of_schema("oneOf", out));
}

std::string description(const Setting& setting) {
    std::string out(setting.key->doc);
    if (const std::string range = range_text(*setting.key); !range.empty()) {
        fmt::format_to(std::back_inserter(out), " Allowed: {}.", range);
    }
    if (!setting.key->standard.empty()) {
        fmt::format_to(std::back_inserter(out), " Default: {}.", setting.key->standard);
    }
    if (setting.key->example.find('\n') == std::string_view::npos) {
        fmt::format_to(std::back_inserter(out), "\n\nExample: `{} = {}`", setting.key->name,
                       setting.key->example);
    }
    return out;
}

std::string property(const Scope& scope, const KeyDoc& key) {
    std::string schema = value(key);
    // In draft-07 nothing beside a $ref counts.
    if (schema.starts_with(R"({"$ref")")) schema = fmt::format(R"({{"allOf": [{}]}})", schema);
    std::string out = fmt::format(R"({}: {{"description": {}, )", json_string(key.name),
                                  json_string(description({std::string(), &scope, &key})));
    // What the manual calls a default is TOML; of these values JSON writes the same.
    if (!key.standard.empty()) fmt::format_to(std::back_inserter(out), R"("default": {}, )", key.standard);
    return out.append(schema, 1);
}

// Where keys of modules may stand.
constexpr std::pair<std::string_view, KeyScope> kModuleScopes[] = {{"server", KeyScope::Server},
                                                                   {"host", KeyScope::Host},
                                                                   {"host.location", KeyScope::Location},
                                                                   {"listener", KeyScope::Listener},
                                                                   {"upstream", KeyScope::Upstream}};

void append_table(std::string& out, const Scope& scope, std::string_view indent,
                  const std::vector<const ModuleDoc*>& modules) {
    std::vector<std::string> properties;
    std::vector<std::string_view> answers(scope.one_of.begin(), scope.one_of.end());
    std::vector<std::string> required;
    for (const KeyDoc* key : scope.keys) {
        properties.push_back(fmt::format("{}    {}", indent, property(scope, *key)));
        if (key->need == Need::Required) required.push_back(json_string(key->name));
    }
    for (const auto& [path, place] : kModuleScopes) {
        if (scope.path != path) continue;
        for (const std::string& made : json_properties(modules, place))
            properties.push_back(fmt::format("{}    {}", indent, made));
        for (const ModuleDoc* module : modules) {
            for (const ModuleKey& key : module->keys) {
                if (key.is_handler && place == KeyScope::Location) answers.push_back(key.doc.name);
            }
        }
    }
    fmt::format_to(std::back_inserter(out), "{}\"description\": {},\n", indent, json_string(scope.doc));
    fmt::format_to(std::back_inserter(out), "{}\"type\": \"object\",\n", indent);
    fmt::format_to(std::back_inserter(out), "{}\"additionalProperties\": false,\n", indent);
    if (!required.empty()) {
        fmt::format_to(std::back_inserter(out), "{}\"required\": [{}],\n", indent, fmt::join(required, ", "));
    }
    if (!answers.empty()) {
        std::vector<std::string> each;
        for (const std::string_view key : answers) {
            each.push_back(fmt::format(R"({{"required": [{}]}})", json_string(key)));
        }
        fmt::format_to(std::back_inserter(out), "{}\"oneOf\": [{}],\n", indent, fmt::join(each, ", "));
    }
    fmt::format_to(std::back_inserter(out), "{}\"properties\": {{\n{}\n{}}}", indent,
                   fmt::join(properties, ",\n"), indent);
}

}  // namespace

std::string json_schema(const std::vector<const ModuleDoc*>& modules) {
    std::string out =
        "{\n"
        "  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
        "  \"title\": \"The configuration of gantry\",\n"
        "  \"$comment\": \"made by: gantry config schema\",\n";
    append_table(out, all_scopes().front(), "  ", modules);
    out.append(",\n  \"definitions\": {\n");
    bool is_first = true;
    for (const Scope& scope : all_scopes()) {
        if (scope.path.empty()) continue;
        fmt::format_to(std::back_inserter(out), "{}    {}: {{\n", is_first ? "" : ",\n",
                       json_string(scope.path));
        is_first = false;
        append_table(out, scope, "      ", modules);
        out.append("\n    }");
    }
    return out.append("\n  }\n}\n");
}

}  // namespace gantry::conf
