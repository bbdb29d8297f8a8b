#include "core/conf/schema.hpp"

#include "core/conf/loading.hpp"
#include "core/conf/units.hpp"

#include <algorithm>

namespace gantry::conf {

const std::vector<Scope>& all_scopes() {
    static const std::vector<Scope> scopes = [] {
        std::vector<Scope> out{root_scope_doc(), server_scope_doc(), log_scope_doc(), store_scope_doc()};
        const auto add = [&out](std::vector<Scope> more) {
            for (Scope& scope : more) out.push_back(std::move(scope));
        };
        add(listener_scope_docs());
        add(upstream_scope_docs());
        out.push_back(host_scope_doc());
        add(certificate_scope_docs());
        add(location_scope_docs());
        add(static_scope_docs());
        add(proxy_scope_docs());
        add(answer_scope_docs());
        add(shared_scope_docs());
        add(test_scope_docs());
        return out;
    }();
    return scopes;
}

const Scope* find_scope(std::string_view path) {
    if (path.empty()) return nullptr;
    const auto& scopes = all_scopes();
    const auto found =
        std::find_if(scopes.begin(), scopes.end(), [&](const Scope& scope) { return scope.path == path; });
    return found == scopes.end() ? nullptr : &*found;
}

std::vector<std::string> split_path(std::string_view text) {
    std::vector<std::string> parts(1);
    char quote = 0;
    for (const char c : text) {
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = 0;
        } else if (c == '.' && quote == 0) {
            parts.emplace_back();
        } else if (quote != 0 || (c != '[' && c != ']' && c != ' ')) {
            parts.back().push_back(c);
        }
    }
    return parts;
}

namespace {

void add_settings(const Scope& scope, const std::string& prefix, std::vector<Setting>& out) {
    for (const KeyDoc* key : scope.keys) {
        std::string path = prefix.empty() ? std::string(key->name) : fmt::format("{}.{}", prefix, key->name);
        out.push_back({path, &scope, key});
        if (const Scope* const table = find_scope(key->forms.table)) add_settings(*table, path, out);
    }
}

// The path without what users name things by.
std::string without_names(const std::vector<std::string>& parts) {
    std::string out;
    bool is_name = false;
    for (const std::string& part : parts) {
        if (is_name) {
            is_name = false;
            continue;
        }
        if (!out.empty()) out.push_back('.');
        out.append(part);
        is_name = out == "listener" || out == "upstream" || out == "host" || out == "host.location" ||
                  out == "location";
    }
    return out;
}

std::vector<const Setting*> find_path(std::string_view path) {
    std::vector<const Setting*> out;
    for (const Setting& setting : all_settings()) {
        if (setting.path == path) return {&setting};
    }
    const std::string end = fmt::format(".{}", path);
    for (const Setting& setting : all_settings()) {
        const bool is_known = std::any_of(out.begin(), out.end(),
                                          [&](const Setting* other) { return other->key == setting.key; });
        if (!is_known && setting.path.ends_with(end)) out.push_back(&setting);
    }
    return out;
}

}  // namespace

const std::vector<Setting>& all_settings() {
    static const std::vector<Setting> settings = [] {
        std::vector<Setting> out;
        add_settings(all_scopes().front(), "", out);
        return out;
    }();
    return settings;
}

std::vector<const Setting*> find_settings(std::string_view name) {
    if (name.empty()) return {};
    const std::vector<std::string> parts = split_path(name);
    auto found = find_path(fmt::format("{}", fmt::join(parts, ".")));
    if (!found.empty() || parts.size() < 2) return found;
    found = find_path(without_names(parts));
    if (found.size() != 1) return found;
    // "listener.backlgo" is no listener of that name.
    std::vector<std::string_view> keys;
    if (const Scope* const table = find_scope(found.front()->key->forms.table)) {
        for (const KeyDoc* key : table->keys) keys.push_back(key->name);
    }
    if (!nearest(parts.back(), keys).empty()) return {};
    return found;
}

std::vector<std::string_view> places_of(const KeyDoc& key) {
    std::vector<std::string_view> out;
    for (const Setting& setting : all_settings()) {
        if (setting.key == &key) out.push_back(setting.path);
    }
    return out;
}

// ---- in words

namespace {

std::string one_of(const std::vector<std::string>& words) {
    if (words.size() < 2) return words.empty() ? std::string() : words.front();
    return fmt::format("{} or {}", fmt::join(words.begin(), words.end() - 1, ", "), words.back());
}

bool is_number(std::string_view text) {
    return text.find_first_not_of("0123456789") == text.npos;
}

std::string in_unit(const KeyDoc& key, std::uint64_t value) {
    if (key.type == Type::Timespan) return fmt::format("\"{}\"", format_duration(Duration(value)));
    if (key.type == Type::Size && value >= 1024) return fmt::format("\"{}\"", format_size(value));
    return fmt::format("{}", value);
}

std::vector<std::string> type_words(const KeyDoc& key) {
    switch (key.type) {
        case Type::Boolean:
            return {"true", "false"};
        case Type::Integer:
            return {"an integer"};
        case Type::Size:
            return {"a size such as \"64KiB\" or \"10MB\"", "a number of bytes"};
        case Type::Timespan:
            return {"a time such as \"500ms\", \"30s\" or \"1h30m\""};
        case Type::String:
            return {"a string"};
        case Type::Path:
            return {"a path"};
        case Type::Template:
            return {"a string with variables"};
        case Type::Strings:
            return {"a string", "a list of strings"};
        case Type::Paths:
            return {"a path", "a list of paths"};
        case Type::Templates:
            return {"a string with variables", "a list of these"};
        case Type::Choice:
        case Type::Table:
        case Type::Special:
            break;
    }
    return {};
}

// What stands beside `setting` in an example: a line for each key, but none twice.
std::vector<std::string> neighbours_of(const Setting& setting) {
    std::vector<std::string> out;
    std::vector<std::string> names{std::string(setting.key->name)};
    const auto add = [&](std::string_view lines) {
        while (!lines.empty()) {
            const std::string line(lines.substr(0, lines.find('\n')));
            lines.remove_prefix(std::min(line.size() + 1, lines.size()));
            std::string name = line.substr(0, line.find(' '));
            if (std::find(names.begin(), names.end(), name) != names.end()) continue;
            names.push_back(std::move(name));
            out.push_back(line);
        }
    };
    add(setting.key->beside);
    const auto& one_of = setting.scope->one_of;
    const bool is_the_one = std::find(one_of.begin(), one_of.end(), setting.key->name) != one_of.end();
    if (!is_the_one) add(setting.scope->beside);
    return out;
}

}  // namespace

std::string type_text(const KeyDoc& key) {
    std::vector<std::string> words = type_words(key);
    const bool has_numbers = !key.choices.empty() && is_number(key.choices.front());
    if (has_numbers) words.clear();
    const Forms& forms = key.forms;
    if (key.type != Type::Integer && forms.integer) words.emplace_back("an integer");
    if (forms.boolean) words.insert(words.end(), {"true", "false"});
    for (const std::string_view choice : key.choices) {
        words.push_back(has_numbers ? std::string(choice) : fmt::format("\"{}\"", choice));
    }
    const bool is_open = key.type == Type::Special || key.type == Type::Table;
    if (is_open && forms.text) words.emplace_back(key.choices.empty() ? "a string" : "another string");
    if (!forms.table.empty() && !(forms.named && !forms.text)) words.emplace_back("a table");
    if (forms.list) words.emplace_back("a list of these");
    if (!forms.named) return one_of(words);
    if (words.empty()) return "a table for each name";
    return fmt::format("a table with {} for each name", one_of(words));
}

std::string range_text(const KeyDoc& key) {
    const Forms& forms = key.forms;
    if (forms.most != 0 && forms.pattern.empty()) {
        return fmt::format("from {} to {}", forms.least, forms.most);
    }
    const bool has_range = key.type == Type::Integer || key.type == Type::Size || key.type == Type::Timespan;
    if (!has_range || (!key.choices.empty() && is_number(key.choices.front()))) return {};
    const bool has_end = key.max != std::numeric_limits<std::uint64_t>::max();
    if (has_end) return fmt::format("from {} to {}", in_unit(key, key.min), in_unit(key, key.max));
    return key.min == 0 ? std::string() : fmt::format("at least {}", in_unit(key, key.min));
}

std::string example_text(const Setting& setting) {
    // A section is shown by the first line that it needs, or may have.
    if (setting.scope->path.empty() && !setting.key->forms.table.empty()) {
        if (const Scope* const table = find_scope(setting.key->forms.table); table != nullptr) {
            return example_text({std::string(), table, table->keys.front()});
        }
    }
    std::vector<std::string> lines = neighbours_of(setting);
    lines.push_back(fmt::format("{} = {}", setting.key->name, setting.key->example));
    std::string out(setting.scope->frame);
    const bool is_inline = out.find("{ @ }") != out.npos;
    const auto hole = out.find('@');
    if (hole == out.npos) return out;
    return out.replace(hole, 1, fmt::format("{}", fmt::join(lines, is_inline ? ", " : "\n")));
}

}  // namespace gantry::conf
