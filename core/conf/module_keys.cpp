#include "core/conf/module_keys.hpp"

#include "core/base/text.hpp"
#include "core/conf/as_written.hpp"
#include "core/conf/document.hpp"
#include "core/conf/reader.hpp"
#include "core/conf/units.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::conf {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr std::size_t kMostKeys = 256;

// ---- what is declared

bool is_key_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; });
}

constexpr std::pair<KeyScope, std::string_view> kScopes[] = {{KeyScope::Server, "server"},
                                                             {KeyScope::Host, "host"},
                                                             {KeyScope::Location, "host.location"},
                                                             {KeyScope::Listener, "listener"},
                                                             {KeyScope::Upstream, "upstream"}};

bool is_core_key(const ModuleKey& key) {
    return std::any_of(std::begin(kScopes), std::end(kScopes), [&](const auto& scope) {
        if (!key.may_stand_in(scope.first)) return false;
        const std::vector<const KeyDoc*>& keys = find_scope(scope.second)->keys;
        return std::any_of(keys.begin(), keys.end(),
                           [&](const KeyDoc* other) { return other->name == key.doc.name; }) ||
               key.doc.name == "location";
    });
}

std::string fault_of_one(const ModuleKey& key, std::size_t depth) {
    if (!is_key_name(key.doc.name)) return "its name is not made of a-z, 0-9 and _";
    if (key.doc.doc.empty()) return "it has no doc";
    if (key.doc.example.empty()) return "it has no example";
    if (key.doc.type == Type::Choice && key.doc.choices.empty()) return "there is nothing to choose from";
    if (key.doc.type == Type::Table && key.keys.empty()) return "it is a table without keys";
    if (key.is_list && key.is_named) return "it is a list and a table of names";
    if (depth > 3) return "its table is in too many others";
    if (key.short_for.empty()) return {};
    const bool is_there = std::any_of(key.keys.begin(), key.keys.end(), [&](const ModuleKey& inner) {
        return inner.doc.name == key.short_for;
    });
    return is_there ? ""
                    : fmt::format("a bare value is meant for \"{}\", which it does not have", key.short_for);
}

std::string key_fault(std::string_view path, std::string_view text) {
    return fmt::format("its key \"{}\" cannot be: {}", path, text);
}

// A sentence, of the first that is wrong of the key `path` and those in its table. Empty: none.
std::string fault_of(const ModuleKey& key, const std::string& path, std::size_t depth) {
    if (const std::string fault = fault_of_one(key, depth); !fault.empty()) return key_fault(path, fault);
    for (const ModuleKey& inner : key.keys) {
        std::string fault = fault_of(inner, fmt::format("{}.{}", path, inner.doc.name), depth + 1);
        if (!fault.empty()) return fault;
    }
    return {};
}

std::string read_standards(ModuleKey& key) {
    for (ModuleKey& inner : key.keys) {
        if (std::string fault = read_standards(inner); !fault.empty()) return fault;
    }
    if (key.doc.standard.empty()) return {};
    Document document;
    Diagnostics diagnostics;
    Inputs inputs;
    read_document_text("default", fmt::format("x = {}\n", key.doc.standard), inputs, document, diagnostics);
    const LoadOptions options;
    Reader reader(document.sources, diagnostics, options, inputs);
    const Entry* const entry = document.tree.root().find("x");
    std::optional<ModuleValue> value;
    if (entry != nullptr) value = read_value(reader, key, *entry->node);
    if (!value || diagnostics.errors() > 0) {
        diagnostics.finish(document.sources);
        return fmt::format("the default of \"{}\" is no value for it: {}", key.doc.name,
                           diagnostics.list().empty() ? "?" : diagnostics.list().front().message);
    }
    const auto forget_place = [](const auto& self, ModuleValue& at) -> void {
        at.place = {};
        for (ModuleValue& item : at.items) self(self, item);
    };
    forget_place(forget_place, *value);
    key.standard = std::make_shared<ModuleValue>(std::move(*value));
    return {};
}

// ---- reading

std::string range_of(const ModuleKey& key) {
    const auto in_unit = [&](std::int64_t value) {
        if (key.doc.type == Type::Timespan) return format_duration(Duration(value / kNanosPerMilli));
        if (key.doc.type == Type::Size) return format_size(static_cast<std::uint64_t>(value));
        return fmt::format("{}", value);
    };
    if (key.most == INT64_MAX) return fmt::format("at least {}", in_unit(key.least));
    return fmt::format("between {} and {}", in_unit(key.least), in_unit(key.most));
}

bool read_integer(Reader& in, const ModuleKey& key, const Node& node, std::int64_t& out) {
    if (key.doc.type == Type::Integer) {
        if (node.kind != Node::Kind::Integer) {
            in.wrong_type(key.doc, node, "an integer");
            return false;
        }
        out = node.integer;
    } else if (key.doc.type == Type::Size) {
        std::uint64_t bytes = 0;
        if (!in.read(key.doc, node, bytes)) return false;
        out = static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, INT64_MAX));
    } else {
        Duration time{};
        if (!in.read(key.doc, node, time)) return false;
        out = time.count() > INT64_MAX / kNanosPerMilli ? INT64_MAX : time.count() * kNanosPerMilli;
    }
    if (out >= key.least && out <= key.most) return true;
    in.error(node.place, fmt::format("\"{}\" must be {}", key.doc.name, range_of(key)),
             fmt::format("for example: {} = {}", key.doc.name, key.doc.example));
    return false;
}

bool read_scalar(Reader& in, const ModuleKey& key, const Node& node, ModuleValue& out) {
    switch (key.doc.type) {
        case Type::Boolean: {
            bool value = false;
            if (!in.read(key.doc, node, value)) return false;
            out.integer = value ? 1 : 0;
            out.kind = ModuleValue::Kind::Boolean;
            return true;
        }
        case Type::Integer:
        case Type::Size:
        case Type::Timespan:
            out.kind = ModuleValue::Kind::Integer;
            return read_integer(in, key, node, out.integer);
        case Type::Template: {
            Template value;
            out.kind = ModuleValue::Kind::Text;
            if (!in.read(key.doc, node, value)) return false;
            out.text = std::move(value.text);
            return true;
        }
        case Type::Choice: {
            const auto index = in.choice(key.doc, node);
            out.kind = ModuleValue::Kind::Text;
            if (index) out.text = key.doc.choices[*index];
            return index.has_value();
        }
        default:
            out.kind = ModuleValue::Kind::Text;
            return in.read(key.doc, node, out.text);
    }
}

bool read_members(Reader& in, const ModuleKey& key, const Node& node, ModuleValue& out) {
    bool is_good = true;
    for (const Entry& entry : node.children()) {
        const auto found = std::find_if(key.keys.begin(), key.keys.end(),
                                        [&](const ModuleKey& inner) { return inner.doc.name == entry.key; });
        if (found == key.keys.end()) {
            std::vector<std::string_view> names;
            for (const ModuleKey& inner : key.keys) names.push_back(inner.doc.name);
            in.unknown_key(entry, fmt::format("\"{}\"", key.doc.name), names);
            is_good = false;
            continue;
        }
        auto value = read_value(in, *found, *entry.node);
        if (!value) {
            is_good = false;
            continue;
        }
        value->name = entry.key;
        out.items.push_back(std::move(*value));
    }
    return is_good;
}

// A table, or the bare value of one of its keys.
bool read_table_value(Reader& in, const ModuleKey& key, const Node& node, ModuleValue& out) {
    out.kind = ModuleValue::Kind::Table;
    bool is_good = true;
    if (node.kind == Node::Kind::Table) {
        is_good = read_members(in, key, node, out);
    } else if (!key.short_for.empty()) {
        const auto meant = std::find_if(key.keys.begin(), key.keys.end(), [&](const ModuleKey& inner) {
            return inner.doc.name == key.short_for;
        });
        auto value = read_value(in, *meant, node);
        if (!value) return false;
        value->name = key.short_for;
        out.items.push_back(std::move(*value));
    } else {
        in.wrong_type(key.doc, node, "a table");
        return false;
    }
    for (const ModuleKey& inner : key.keys) {
        if (out.member(inner.doc.name) != nullptr) continue;
        if (inner.standard) {
            out.items.push_back(*inner.standard);
            out.items.back().name = inner.doc.name;
        } else if (inner.is_required && is_good) {
            in.error(node.place, fmt::format("\"{}\" lacks \"{}\"", key.doc.name, inner.doc.name),
                     fmt::format("for example: {} = {}", inner.doc.name, inner.doc.example));
            is_good = false;
        }
    }
    return is_good;
}

bool read_one(Reader& in, const ModuleKey& key, const Node& node, ModuleValue& out) {
    out.key = &key;
    out.place = node.place;
    return key.doc.type == Type::Table ? read_table_value(in, key, node, out)
                                       : read_scalar(in, key, node, out);
}

bool read_items(Reader& in, const ModuleKey& key, const Node& node, ModuleValue& out) {
    bool is_good = true;
    for (const Entry& entry : node.children()) {
        ModuleValue value;
        is_good = read_one(in, key, *entry.node, value) && is_good;
        value.name = entry.key;
        out.items.push_back(std::move(value));
    }
    return is_good;
}

// The value, and all that is in it.
void note_secret(const Node& node, std::vector<Place>& secrets) {
    secrets.push_back(node.place);
    for (const Entry& entry : node.children()) note_secret(*entry.node, secrets);
}

}  // namespace

const ModuleValue* ModuleValue::member(std::string_view wanted) const {
    for (const ModuleValue& item : items) {
        if (item.name == wanted) return &item;
    }
    return nullptr;
}

bool ModuleValue::operator==(const ModuleValue& other) const {
    return key == other.key && kind == other.kind && integer == other.integer && text == other.text &&
           name == other.name && items == other.items;
}

std::string complete(ModuleDoc& doc, const std::vector<const ModuleDoc*>& others) {
    if (doc.keys.size() > kMostKeys) return fmt::format("it declares more than {} keys", kMostKeys);
    for (ModuleKey& key : doc.keys) {
        const auto fault = [&](std::string_view text) { return key_fault(key.doc.name, text); };
        if (std::string text = fault_of(key, std::string(key.doc.name), 0); !text.empty()) return text;
        if (key.scopes == 0) return fault("it may stand nowhere");
        if (key.is_handler && key.scopes != static_cast<std::uint8_t>(KeyScope::Location))
            return fault("what answers stands in locations only");
        if (is_core_key(key)) return fault("gantry has one of that name itself");
        for (const ModuleDoc* other : others) {
            const bool has =
                std::any_of(other->keys.begin(), other->keys.end(), [&](const ModuleKey& theirs) {
                    return theirs.doc.name == key.doc.name && (theirs.scopes & key.scopes) != 0;
                });
            if (has) return fault(fmt::format("the module {} has one of that name", other->name));
        }
        if (std::string text = read_standards(key); !text.empty()) return text;
    }
    return {};
}

const ModuleKey* find_key(const std::vector<const ModuleDoc*>& docs, KeyScope scope, std::string_view name) {
    for (const ModuleDoc* doc : docs) {
        for (const ModuleKey& key : doc->keys) {
            if (key.doc.name == name && key.may_stand_in(scope)) return &key;
        }
    }
    return nullptr;
}

std::optional<ModuleValue> read_value(Reader& in, const ModuleKey& key, const Node& node) {
    if (key.is_secret && in.options().secrets != nullptr) note_secret(node, *in.options().secrets);
    if (!key.deprecated.empty()) {
        in.warning(node.place, fmt::format("\"{}\" is not to be used any more", key.doc.name),
                   std::string(key.deprecated));
    }
    ModuleValue out;
    out.key = &key;
    out.place = node.place;
    bool is_good = true;
    if (key.is_named) {
        out.kind = ModuleValue::Kind::Names;
        if (node.kind != Node::Kind::Table) {
            in.wrong_type(key.doc, node, "a table");
            return std::nullopt;
        }
        is_good = read_items(in, key, node, out);
    } else if (key.is_list) {
        out.kind = ModuleValue::Kind::List;
        if (node.kind == Node::Kind::Array) {
            is_good = read_items(in, key, node, out);
        } else {
            is_good = read_one(in, key, node, out.items.emplace_back());
        }
    } else {
        is_good = read_one(in, key, node, out);
    }
    if (!is_good) return std::nullopt;
    return out;
}

std::string value_text(const ModuleValue& value, Secrets secrets) {
    using Kind = ModuleValue::Kind;
    if (value.key->is_secret && secrets == Secrets::Masked) return "\"***\"";
    const auto joined = [&](bool with_names) {
        std::string out;
        for (const ModuleValue& item : value.items) {
            if (!out.empty()) out += ", ";
            const std::string text = value_text(item, secrets);
            out += with_names ? fmt::format("{} = {}", item.name, text) : text;
        }
        return out;
    };
    switch (value.kind) {
        case Kind::Boolean:
            return value.integer != 0 ? "true" : "false";
        case Kind::Integer:
            if (value.key->doc.type == Type::Timespan)
                return in_quotes(format_duration(Duration(value.integer / kNanosPerMilli)));
            if (value.key->doc.type == Type::Size)
                return in_quotes(format_size(static_cast<std::uint64_t>(value.integer)));
            return fmt::format("{}", value.integer);
        case Kind::Text:
            return in_quotes(value.text);
        case Kind::List:
            return fmt::format("[{}]", joined(false));
        case Kind::Table:
        case Kind::Names:
            return fmt::format("{{ {} }}", joined(true));
    }
    return {};
}

}  // namespace gantry::conf
