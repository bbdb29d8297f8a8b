#include "core/conf/effective.hpp"

#include "core/base/text.hpp"
#include "core/conf/document.hpp"
#include "core/conf/interpolate.hpp"
#include "core/conf/json_text.hpp"
#include "core/conf/schema.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace gantry::conf {
namespace {

constexpr std::string_view kMask = "***";

// Names of fields, variables and parameters whose values let somebody in.
bool is_secret_name(std::string_view name) {
    static constexpr std::array<std::string_view, 9> kParts = {"authorization", "cookie",   "token",
                                                               "secret",        "password", "passwd",
                                                               "api-key",       "api_key",  "credential"};
    const std::string lower = lower_case(name);
    return std::any_of(kParts.begin(), kParts.end(),
                       [&](std::string_view part) { return lower.find(part) != lower.npos; });
}

// "https://user:password@host": the password. Empty: there is none.
std::string_view password_of(std::string_view text) {
    const auto scheme = text.find("://");
    if (scheme == text.npos) return {};
    std::string_view authority = text.substr(scheme + 3);
    authority = authority.substr(0, authority.find('/'));
    const auto at = authority.rfind('@');
    const auto colon = authority.find(':');
    if (at == authority.npos || colon == authority.npos || colon > at) return {};
    return authority.substr(colon + 1, at - colon - 1);
}

// What stands in each ${…} that is put in while loading: "NAME", "NAME:-x", "file:/x".
std::vector<std::string_view> replaced(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t at = text.find("${"); at != text.npos; at = text.find("${", at)) {
        at += 2;
        const std::string_view inner = text.substr(at, text.find('}', at) - at);
        const bool is_escaped = at >= 3 && text[at - 3] == '$';
        const bool is_variable = !inner.empty() && inner[0] >= 'A' && inner[0] <= 'Z';
        if (!is_escaped && (is_variable || inner.starts_with("file:"))) out.push_back(inner);
    }
    return out;
}

// A key as it may stand in front of = or in a header.
std::string key_text(std::string_view key) {
    const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '_' || c == '-';
    });
    return is_bare ? std::string(key) : json_string(key);
}

// What a value is rendered into.
struct Rendered {
    std::string toml;
    std::string json;
};

class Walk {
public:
    // `secrets`: places of values that are not shown.
    Walk(const Sources& sources, const LoadOptions& options, Inputs& inputs, Untouched untouched,
         const std::vector<Place>& secrets)
        : inputs_(inputs),
          secrets_(secrets),
          untouched_(untouched),
          reader_(sources, nobody_, options, inputs),
          files_(sources.names()) {}

    std::vector<EffectiveValue> run(const Node& root) {
        const Scope& top = all_scopes().front();
        if (const Entry* const list = root.find("modules")) {
            for (const Entry& item : list->node->children()) modules_.push_back(item.node->text);
        }
        pairs(root, &top);  // behind a header they would belong to its table
        constexpr std::string_view kFirst[] = {"server", "log", "store"};
        for (const std::string_view first : kFirst) {
            const Entry* const entry = root.find(first);
            if (entry != nullptr) {
                if (is_section(*entry->node)) table_of(*entry->node, first, top);  // else it is a pair
            } else if (untouched_ == Untouched::Shown) {
                table_of(Node(), first, top);
            }
        }
        path_.clear();
        for (const Entry& entry : root.children()) {
            if (std::find(std::begin(kFirst), std::end(kFirst), entry.key) == std::end(kFirst))
                below(entry, &top);
        }
        return std::move(values_);
    }

private:
    static const KeyDoc* key_of(const Scope* scope, std::string_view name) {
        if (scope == nullptr) return nullptr;
        for (const KeyDoc* key : scope->keys) {
            if (key->name == name) return key;
        }
        return nullptr;
    }
    static bool is_section(const Node& node) { return node.kind == Node::Kind::Table && !node.closed; }
    static bool is_list_of_tables(const Node& node) { return node.kind == Node::Kind::Array && node.header; }

    void table_of(const Node& node, std::string_view name, const Scope& top) {
        const KeyDoc* const key = key_of(&top, name);
        const Scope* const scope = key == nullptr ? nullptr : find_scope(key->forms.table);
        path_ = {std::string(name)};
        table(node, scope);
        path_.clear();
    }

    void table(const Node& node, const Scope* scope) {
        pairs(node, scope);
        if (untouched_ == Untouched::Shown && scope != nullptr) defaults(node, *scope);
        for (const Entry& entry : node.children()) below(entry, scope);
    }

    // The values of a table that are no sections of their own.
    void pairs(const Node& node, const Scope* scope) {
        for (const Entry& entry : node.children()) {
            if (!is_section(*entry.node) && !is_list_of_tables(*entry.node))
                value(entry, key_of(scope, entry.key));
        }
    }

    void below(const Entry& entry, const Scope* scope) {
        const KeyDoc* const key = key_of(scope, entry.key);
        const Scope* const inner = key == nullptr ? nullptr : find_scope(key->forms.table);
        if (is_list_of_tables(*entry.node)) return list(entry, inner);
        if (!is_section(*entry.node)) return;
        path_.emplace_back(entry.key);
        if (key != nullptr && key->forms.named) {
            pairs(*entry.node, nullptr);
            for (const Entry& named : entry.node->children()) {
                if (!is_section(*named.node)) continue;
                path_.emplace_back(named.key);
                table(*named.node, inner);
                path_.pop_back();
            }
        } else {
            table(*entry.node, inner);
        }
        path_.pop_back();
    }

    void list(const Entry& entry, const Scope* inner) {
        std::size_t number = 0;
        for (const Entry& item : entry.node->children()) {
            path_.emplace_back(entry.key);
            path_.push_back(std::to_string(++number));
            table(*item.node, inner);
            path_.resize(path_.size() - 2);
        }
    }

    void defaults(const Node& node, const Scope& scope) {
        for (const KeyDoc* key : scope.keys) {
            if (key->standard.empty() || node.find(key->name) != nullptr) continue;
            // A table of one thing or the other has no default of what it is not.
            const bool is_one_of =
                std::find(scope.one_of.begin(), scope.one_of.end(), key->name) != scope.one_of.end();
            if (is_one_of) continue;
            EffectiveValue made;
            made.table = path_;
            made.key = key->name;
            made.toml = key->standard;
            made.json = key->standard;  // numbers, strings, true and false, and lists of them are both
            made.origins = {"default"};
            values_.push_back(std::move(made));
        }
    }

    void value(const Entry& entry, const KeyDoc* key) {
        EffectiveValue made;
        made.table = path_;
        made.key = entry.key;
        made.place = entry.place;
        made.origins.push_back(fmt::format("{}:{}", files_[entry.place.file], entry.place.line));
        current_ = &made;
        const Rendered rendered = render(*entry.node, key, entry.key);
        made.toml = rendered.toml;
        made.json = rendered.json;
        values_.push_back(std::move(made));
    }

    bool is_secret(const Place& place) const {
        return std::any_of(secrets_.begin(), secrets_.end(), [&](const Place& each) {
            return each.file == place.file && each.line == place.line && each.column == place.column;
        });
    }

    Rendered render(const Node& node, const KeyDoc* key, std::string_view name) {
        if (is_secret(node.place)) {
            const std::string text = json_string(masked());
            return {text, text};
        }
        switch (node.kind) {
            case Node::Kind::String: {
                const std::string text = string(node, key, name);
                return {json_string(text), json_string(text)};  // TOML knows all that JSON escapes
            }
            case Node::Kind::Boolean: {
                const std::string word = node.integer != 0 ? "true" : "false";
                return {word, word};
            }
            case Node::Kind::Array:
                return array(node, key, name);
            case Node::Kind::Table:
                return inline_table(node, key);
            default: {
                const std::string number = std::to_string(node.integer);
                return {number, number};
            }
        }
    }

    Rendered array(const Node& node, const KeyDoc* key, std::string_view name) {
        Rendered out{"[", "["};
        for (const Entry& item : node.children()) {
            const Rendered one = render(*item.node, key, name);
            if (out.toml.size() > 1) {
                out.toml += ", ";
                out.json += ", ";
            }
            out.toml += one.toml;
            out.json += one.json;
        }
        return {out.toml + "]", out.json + "]"};
    }

    Rendered inline_table(const Node& node, const KeyDoc* key) {
        const Scope* const scope = key == nullptr ? nullptr : find_scope(key->forms.table);
        Rendered out;
        for (const Entry& item : node.children()) {
            const Rendered one = render(*item.node, key_of(scope, item.key), item.key);
            out.toml += fmt::format("{}{} = {}", out.toml.empty() ? " " : ", ", key_text(item.key), one.toml);
            out.json +=
                fmt::format("{}{}: {}", out.json.empty() ? "" : ", ", json_string(item.key), one.json);
        }
        return {fmt::format("{{{}{}}}", out.toml, out.toml.empty() ? "" : " "),
                fmt::format("{{{}}}", out.json)};
    }

    // After interpolation, and as a whole path where it is one.
    std::string string(const Node& node, const KeyDoc* key, std::string_view name) {
        const bool is_template =
            key != nullptr && (key->type == Type::Template || key->type == Type::Templates);
        bool is_secret = is_secret_name(name);
        for (const std::string_view inner : replaced(node.text)) {
            const bool is_file = inner.starts_with("file:");
            const std::string_view what = is_file ? inner.substr(5) : inner.substr(0, inner.find(":-"));
            note(fmt::format("{} {}", is_file ? "file" : "environment", what));
            is_secret |= is_file || is_secret_name(what);
        }
        Diagnostics nobody;
        auto text = interpolate(node.text, node.place, is_template ? StringKind::Template : StringKind::Plain,
                                inputs_, nobody);
        if (!text) text = std::string(node.text);
        if (is_secret && is_path(key, name, *text)) is_secret = false;  // where a secret lies is none
        if (is_secret && !text->empty()) return masked();
        if (const std::string_view password = password_of(*text); !password.empty()) {
            current_->is_masked = true;
            text->replace(static_cast<std::size_t>(password.data() - text->data()), password.size(), kMask);
        }
        if (is_path(key, name, *text) && !(name == "certificate" && is_module(*text))) {
            if (auto whole = reader_.resolve(*text, node.place)) return *whole;
        }
        return *text;
    }

    // Of keys with several forms the text is a path, but for words that mean something.
    static bool is_path(const KeyDoc* key, std::string_view name, std::string_view text) {
        static constexpr std::array<std::string_view, 5> kPaths = {"static", "certificate", "access_log",
                                                                   "target", "control"};
        if (text.empty() || text.starts_with("syslog:") || text.starts_with("udp:")) return false;
        if (key == nullptr) return is_page(name) && text.find("://") == text.npos && !text.starts_with("${");
        if (key->type == Type::Path || key->type == Type::Paths) return true;
        static constexpr std::array<std::string_view, 4> kWords = {"stdout", "stderr", "syslog",
                                                                   "self-signed"};
        return key->type == Type::Special && std::find(kPaths.begin(), kPaths.end(), name) != kPaths.end() &&
               std::find(kWords.begin(), kWords.end(), text) == kWords.end();
    }
    // Listed by its name, or as ".../gantry-NAME.so".
    bool is_module(std::string_view text) const {
        return std::any_of(modules_.begin(), modules_.end(), [&](std::string_view listed) {
            return listed == text || listed.ends_with(fmt::format("/gantry-{}.so", text));
        });
    }
    // "404", "5xx": a key of error_pages.
    static bool is_page(std::string_view name) {
        return name.size() == 3 && (name[0] == '4' || name[0] == '5') &&
               (is_digit(name[1]) || name[1] == 'x');
    }
    std::string masked() {
        current_->is_masked = true;
        return std::string(kMask);
    }
    void note(std::string origin) {
        auto& origins = current_->origins;
        if (std::find(origins.begin(), origins.end(), origin) == origins.end())
            origins.push_back(std::move(origin));
    }

    Inputs& inputs_;
    const std::vector<Place>& secrets_;
    const Untouched untouched_;
    Diagnostics nobody_;
    Reader reader_;
    const std::vector<std::string>& files_;
    std::vector<std::string_view> modules_;  // as listed
    std::vector<std::string> path_;
    std::vector<EffectiveValue> values_;
    EffectiveValue* current_ = nullptr;
};

}  // namespace

Effective effective(const std::string& path, const LoadOptions& options, Untouched untouched) {
    Effective out;
    Snapshot read;
    LoadOptions recording = options;
    recording.recorded = &read;
    std::vector<Place> secrets;
    recording.secrets = &secrets;
    out.loaded = load(path, recording);
    if (!out.loaded.settings) return out;
    Document document;
    Diagnostics told;  // by load() already
    Inputs inputs(options.environment, &read);
    read_document(path, options.overlay, inputs, document, told);
    out.files = document.sources.names();
    out.values = Walk(document.sources, options, inputs, untouched, secrets).run(document.tree.root());
    return out;
}

bool is_named(const EffectiveValue& value, std::string_view only) {
    std::vector<std::string> path = value.table;
    path.push_back(value.key);
    if (std::find(path.begin(), path.end(), only) != path.end()) return true;
    const std::vector<std::string> wanted = split_path(only);
    return std::search(path.begin(), path.end(), wanted.begin(), wanted.end()) != path.end();
}

std::string effective_toml(const std::vector<EffectiveValue>& values) {
    std::string out;
    const std::vector<std::string>* table = nullptr;
    for (const EffectiveValue& value : values) {
        if (table == nullptr ? !value.table.empty() : *table != value.table) {
            std::string header;
            for (const std::string& part : value.table)
                header.append(header.empty() ? "" : ".").append(key_text(part));
            const bool is_test = !value.table.empty() && value.table[0] == "test";
            if (is_test && value.table.size() > 2) {
                header = "test";
                for (std::size_t i = 2; i < value.table.size(); ++i)
                    header.append(".").append(key_text(value.table[i]));
            }
            const bool is_item = is_test && value.table.size() == 2;
            fmt::format_to(std::back_inserter(out), "{}{}\n", out.empty() ? "" : "\n",
                           is_item ? std::string("[[test]]") : fmt::format("[{}]", header));
        }
        table = &value.table;
        // Written out, some would be refused: they do nothing beside what is set.
        const bool is_default = value.place.line == 0;
        fmt::format_to(std::back_inserter(out), "{}{} = {}  # {}\n", is_default ? "# " : "",
                       key_text(value.key), value.toml, fmt::join(value.origins, ", "));
    }
    return out;
}

std::string effective_json(const Effective& effective) {
    std::string out = "[";
    for (const EffectiveValue& value : effective.values) {
        std::vector<std::string> table;
        for (const std::string& part : value.table) table.push_back(json_string(part));
        std::vector<std::string> origins;
        for (const std::string& origin : value.origins) origins.push_back(json_string(origin));
        const bool is_default = value.place.line == 0;
        fmt::format_to(
            std::back_inserter(out),
            "{}\n  {{\"table\": [{}], \"key\": {}, \"value\": {}, \"origins\": [{}], \"file\": {}, "
            "\"line\": {}, \"column\": {}, \"masked\": {}}}",
            out.size() > 1 ? "," : "", fmt::join(table, ", "), json_string(value.key), value.json,
            fmt::join(origins, ", "), is_default ? "null" : json_string(effective.files[value.place.file]),
            value.place.line, value.place.column, value.is_masked);
    }
    out.append(effective.values.empty() ? "]\n" : "\n]\n");
    return out;
}

}  // namespace gantry::conf
