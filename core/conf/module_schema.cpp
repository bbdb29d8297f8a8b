#include "core/conf/module_schema.hpp"

#include "core/conf/json_schema_parts.hpp"
#include "core/conf/json_text.hpp"
#include "core/conf/schema.hpp"
#include "core/conf/units.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::conf {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;

struct PlaceInfo {
    KeyScope scope;
    std::string_view path;
    std::string_view header;
};
// What comes first is what an example shows.
constexpr PlaceInfo kPlaces[] = {
    {KeyScope::Location, "host.location", "[host.\"www.example.com\".location.\"/\"]"},
    {KeyScope::Host, "host", "[host.\"www.example.com\"]"},
    {KeyScope::Server, "server", "[server]"},
    {KeyScope::Listener, "listener", "[listener.web]"},
    {KeyScope::Upstream, "upstream", "[upstream.app]"}};

// Of a table of names, a name that its example has.
std::string_view name_in(std::string_view example) {
    const auto begin = example.find_first_not_of("{ ");
    const auto end = example.find(" =");
    if (begin == example.npos || end == example.npos || begin >= end) return "name";
    const std::string_view name = example.substr(begin, end - begin);
    return name.find_first_of(" \".") == name.npos ? name : "name";
}

void add(std::string_view module, const ModuleKey& key, const ModuleSetting* around,
         std::vector<ModuleSetting>& out) {
    ModuleSetting setting;
    setting.module = module;
    setting.key = &key;
    if (around == nullptr) {
        setting.path = setting.line = key.doc.name;
        for (const PlaceInfo& place : kPlaces) {
            if (key.may_stand_in(place.scope))
                setting.places.push_back(fmt::format("{}.{}", place.path, key.doc.name));
        }
    } else {
        setting.path = fmt::format("{}.{}", around->path, key.doc.name);
        setting.line = fmt::format("{}.{}", around->line, key.doc.name);
        for (const std::string& place : around->places)
            setting.places.push_back(fmt::format("{}.{}", place, key.doc.name));
    }
    out.push_back(setting);
    if (key.is_named) setting.line += fmt::format(".{}", name_in(key.doc.example));
    for (const ModuleKey& inner : key.keys) add(module, inner, &setting, out);
}

// Whether the words of `given` are the end of `place`, with names that users choose between them.
bool means(const std::vector<std::string>& given, std::string_view place) {
    constexpr std::size_t kMostNames = 3;  // of a host, a location and a rule
    const std::vector<std::string> wanted = split_path(place);
    std::size_t at = wanted.size();
    std::size_t names = 0;
    for (std::size_t i = given.size(); i-- > 0;) {
        const bool is_word = at > 0 && given[i] == wanted[at - 1];
        const bool is_end = i == 0 || i + 1 == given.size();  // which are no names
        if (!is_word && (is_end || ++names > kMostNames)) return false;
        if (is_word) --at;
    }
    return true;
}

const ModuleKey* member_of(const ModuleKey& key, std::string_view name) {
    const auto found = std::find_if(key.keys.begin(), key.keys.end(),
                                    [&](const ModuleKey& inner) { return inner.doc.name == name; });
    return found == key.keys.end() ? nullptr : &*found;
}

std::string in_unit(const ModuleKey& key, std::int64_t value) {
    if (key.doc.type == Type::Timespan)
        return fmt::format("\"{}\"", format_duration(Duration(value / kNanosPerMilli)));
    if (key.doc.type == Type::Size && value >= 1024)
        return fmt::format("\"{}\"", format_size(static_cast<std::uint64_t>(value)));
    return fmt::format("{}", value);
}

// ---- JSON Schema

std::string schema_of(const ModuleKey& key);

std::string property(const ModuleKey& key) {
    std::string text(key.doc.doc);
    if (const std::string range = range_text(key); !range.empty())
        text += fmt::format(" Allowed: {}.", range);
    if (!key.doc.standard.empty()) text += fmt::format(" Default: {}.", key.doc.standard);
    if (!key.deprecated.empty()) text += fmt::format(" Not to be used any more: {}.", key.deprecated);
    text += fmt::format("\n\nExample: `{} = {}`", key.doc.name, key.doc.example);
    return fmt::format(R"({}: {{"description": {}, {}"allOf": [{}]}})", json_string(key.doc.name),
                       json_string(text), key.deprecated.empty() ? "" : R"("deprecated": true, )",
                       schema_of(key));
}

std::string table_schema(const ModuleKey& key) {
    std::vector<std::string> properties;
    std::vector<std::string> required;
    for (const ModuleKey& inner : key.keys) {
        properties.push_back(property(inner));
        if (inner.is_required) required.push_back(json_string(inner.doc.name));
    }
    const std::string needs =
        required.empty() ? std::string() : fmt::format(R"("required": [{}], )", fmt::join(required, ", "));
    return fmt::format(R"({{"type": "object", "additionalProperties": false, {}"properties": {{{}}}}})",
                       needs, fmt::join(properties, ", "));
}

std::vector<std::string> forms_of(const ModuleKey& key) {
    const std::int64_t least =
        std::max<std::int64_t>(key.least, key.doc.type == Type::Integer ? INT64_MIN : 0);
    switch (key.doc.type) {
        case Type::Boolean:
            return {R"({"type": "boolean"})"};
        case Type::Integer:
            return {integer_schema(least, static_cast<std::uint64_t>(key.most))};
        case Type::Size:
            return {integer_schema(least, static_cast<std::uint64_t>(key.most)),
                    pattern_schema(size_pattern())};
        case Type::Timespan:
            return {pattern_schema(duration_pattern())};
        case Type::Choice: {
            std::vector<std::string> words;
            for (const std::string_view choice : key.doc.choices) words.push_back(json_string(choice));
            return {fmt::format(R"({{"enum": [{}]}})", fmt::join(words, ", ")), interpolated_schema()};
        }
        case Type::Table: {
            std::vector<std::string> forms{table_schema(key)};
            if (const ModuleKey* const meant = member_of(key, key.short_for))
                forms.push_back(schema_of(*meant));
            return forms;
        }
        default:
            return {R"({"type": "string"})"};
    }
}

std::string schema_of(const ModuleKey& key) {
    std::vector<std::string> forms = forms_of(key);
    if (key.is_list) forms.push_back(list_schema(any_of_schema("anyOf", forms)));
    const std::string value = any_of_schema("anyOf", forms);
    return key.is_named ? fmt::format(R"({{"type": "object", "additionalProperties": {}}})", value) : value;
}

}  // namespace

std::vector<std::string> json_properties(const std::vector<const ModuleDoc*>& docs, KeyScope scope) {
    std::vector<std::string> out;
    for (const ModuleDoc* doc : docs) {
        for (const ModuleKey& key : doc->keys) {
            if (key.may_stand_in(scope)) out.push_back(property(key));
        }
    }
    return out;
}

std::vector<ModuleSetting> settings_of(const ModuleDoc& doc) {
    std::vector<ModuleSetting> out;
    for (const ModuleKey& key : doc.keys) add(doc.name, key, nullptr, out);
    return out;
}

std::vector<ModuleSetting> find_module_settings(const std::vector<const ModuleDoc*>& docs,
                                                std::string_view name) {
    const std::vector<std::string> given = split_path(name);
    std::vector<ModuleSetting> exact;
    std::vector<ModuleSetting> out;
    for (const ModuleDoc* doc : docs) {
        for (ModuleSetting& setting : settings_of(*doc)) {
            const bool is_exact =
                setting.path == name ||
                std::find(setting.places.begin(), setting.places.end(), name) != setting.places.end();
            if (is_exact) exact.push_back(setting);
            if (std::any_of(setting.places.begin(), setting.places.end(),
                            [&](const std::string& place) { return means(given, place); }))
                out.push_back(std::move(setting));
        }
    }
    return exact.empty() ? out : exact;
}

std::string type_text(const ModuleKey& key) {
    std::string out = type_text(key.doc);
    if (key.doc.type == Type::Table) {
        out = "a table";
        if (const ModuleKey* const meant = member_of(key, key.short_for); meant != nullptr)
            out += " or " + type_text(*meant);
    }
    if (key.is_list) out += " or a list of these";
    return key.is_named ? fmt::format("a table with {} for each name", out) : out;
}

std::string range_text(const ModuleKey& key) {
    if (key.most == INT64_MAX && key.least == INT64_MIN) return {};
    if (key.most == INT64_MAX) return fmt::format("at least {}", in_unit(key, key.least));
    return fmt::format("from {} to {}", in_unit(key, key.least), in_unit(key, key.most));
}

std::string example_text(const ModuleSetting& setting) {
    const std::string_view place = setting.places.front();
    const auto found = std::find_if(std::begin(kPlaces), std::end(kPlaces), [&](const PlaceInfo& each) {
        return place == fmt::format("{}.{}", each.path, setting.path);
    });
    return fmt::format("{}\n{} = {}", found == std::end(kPlaces) ? "" : found->header, setting.line,
                       setting.key->doc.example);
}

}  // namespace gantry::conf
