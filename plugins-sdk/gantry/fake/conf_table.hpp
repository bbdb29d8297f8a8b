// gantry.conf/1 and gantry.log/1 of a fake host.
#pragma once

#include "gantry/fake/state.hpp"

namespace gantry::fake::detail {

struct ConfTable {
    static const Value* of(const gantry_value_t* raw) { return reinterpret_cast<const Value*>(raw); }
    static const gantry_value_t* raw(const Value* value) {
        return reinterpret_cast<const gantry_value_t*>(value);
    }
    static const ScopeState& of(const gantry_scope_t* raw) {
        return *reinterpret_cast<const ScopeState*>(raw);
    }

    static gantry_result_t declare(const gantry_host_t* raw_host, const gantry_key_t* keys,
                                   std::uint32_t count, std::uint32_t key_size) noexcept {
        State& host = State::of(raw_host);
        if (!host.is_in_step(Step::Opening, "declare()", "open()")) return GANTRY_ERROR_STATE;
        if (host.keys != nullptr) host.violation("declare() was called twice");
        if (key_size != sizeof(gantry_key_t)) host.violation("declare() was given a wrong size of a key");
        for (std::uint32_t index = 0; index < count; ++index) look_at(host, keys[index], true);
        host.keys = keys;
        host.key_count = count;
        return GANTRY_OK;
    }

    static void look_at(State& host, const gantry_key_t& key, bool is_outermost) {
        const std::string name = key.name != nullptr ? key.name : "(a key without a name)";
        const bool is_fine = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
        if (!is_fine) host.violation(name + ": a key is of a-z, 0-9 and _");
        if (key.doc == nullptr || key.doc[0] == 0) host.violation(name + ": a key has a doc");
        if (key.example == nullptr || key.example[0] == 0) host.violation(name + ": a key has an example");
        if (is_outermost && key.scopes == 0) host.violation(name + ": a key stands in some scope");
        if (key.type == 0 || key.type > GANTRY_TYPE_TABLE) host.violation(name + ": there is no such type");
        if (key.type == GANTRY_TYPE_CHOICE && key.choices == nullptr)
            host.violation(name + ": has no choices");
        for (std::uint32_t index = 0; index < key.key_count; ++index) look_at(host, key.keys[index], false);
        if (key.standard == nullptr) return;
        Conversion conversion;
        conversion.convert(key, RightHandSide{key.standard}.read(), key.flags);
        if (!conversion.error.empty()) host.violation("the default of " + conversion.error);
    }

    // "limit.rate" of a value of `limit`.
    static const Value* within(const Value* value, std::string_view path) {
        while (value != nullptr && !path.empty()) {
            const std::size_t dot = path.find('.');
            value = value->member(path.substr(0, dot));
            path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
        }
        return value;
    }

    static const Value* look_up(const gantry_scope_t* raw_scope, std::string_view path, bool is_own) {
        const ScopeState& scope = of(raw_scope);
        if (!scope.host->is_in_step(Step::Preparing, "find()", "prepare() and configure()")) return nullptr;
        const std::size_t dot = path.find('.');
        const std::string_view name = path.substr(0, dot);
        const std::string_view rest = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
        if (Conversion::find_key(scope.host->keys, scope.host->key_count, name) == nullptr) {
            scope.host->violation("find(\"" + std::string{path} + "\"): no such key was declared");
            return nullptr;
        }
        for (const ScopeState* at = &scope; at != nullptr; at = is_own ? nullptr : at->parent) {
            if (const auto found = at->values.find(name); found != at->values.end()) {
                return within(found->second.get(), rest);
            }
        }
        if (is_own) return nullptr;
        const auto& standards = scope.host->generations.back()->standards;
        const auto found = standards.find(name);
        return found == standards.end() ? nullptr : within(found->second.get(), rest);
    }

    static const gantry_value_t* find(const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
        return raw(look_up(scope, view(path), false));
    }
    static const gantry_value_t* find_own(const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
        return raw(look_up(scope, view(path), true));
    }
    static const gantry_scope_t* parent(const gantry_scope_t* scope) noexcept {
        return reinterpret_cast<const gantry_scope_t*>(of(scope).parent);
    }
    static std::uint32_t kind(const gantry_scope_t* scope) noexcept { return of(scope).kind; }
    static gantry_bytes_t name(const gantry_scope_t* scope) noexcept { return bytes(of(scope).name); }

    static bool boolean(const gantry_value_t* value) noexcept {
        return of(value)->is_boolean && of(value)->number != 0;
    }
    static std::int64_t integer(const gantry_value_t* value) noexcept {
        return of(value)->is_boolean ? 0 : of(value)->number;
    }
    static gantry_bytes_t text(const gantry_value_t* value) noexcept { return bytes(of(value)->text); }
    static std::uint32_t count(const gantry_value_t* value) noexcept {
        return static_cast<std::uint32_t>(of(value)->items.size());
    }
    static const gantry_value_t* at(const gantry_value_t* value, std::uint32_t index) noexcept {
        return index < of(value)->items.size() ? raw(of(value)->items[index].get()) : nullptr;
    }
    static gantry_bytes_t name_at(const gantry_value_t* value, std::uint32_t index) noexcept {
        return index < of(value)->names.size() ? bytes(of(value)->names[index]) : gantry_bytes_t{nullptr, 0};
    }
    static const gantry_value_t* member(const gantry_value_t* value, gantry_bytes_t key) noexcept {
        return raw(of(value)->member(view(key)));
    }

    static void note(std::vector<Diagnostic>& list, const gantry_scope_t* raw_scope, gantry_bytes_t message,
                     gantry_bytes_t hint) {
        const ScopeState& scope = of(raw_scope);
        if (!scope.host->is_in_step(Step::Preparing, "error()", "prepare() and configure()")) return;
        const std::string_view text = view(message);
        if (text.empty() || text.ends_with('.')) {
            scope.host->violation("\"" + std::string{text} +
                                  "\": a message is a sentence without a full stop");
        }
        list.push_back({scope.name, std::string{text}, std::string{view(hint)}});
    }
    static void error(const gantry_scope_t* scope, const gantry_value_t*, gantry_bytes_t message,
                      gantry_bytes_t hint) noexcept {
        note(of(scope).host->errors, scope, message, hint);
    }
    static void warning(const gantry_scope_t* scope, const gantry_value_t*, gantry_bytes_t message,
                        gantry_bytes_t hint) noexcept {
        note(of(scope).host->warnings, scope, message, hint);
    }

    static constexpr gantry_conf_1_t kTable{sizeof(gantry_conf_1_t),
                                            &declare,
                                            &find,
                                            &find_own,
                                            &parent,
                                            &kind,
                                            &name,
                                            &boolean,
                                            &integer,
                                            &text,
                                            &count,
                                            &at,
                                            &name_at,
                                            &member,
                                            &error,
                                            &warning};
};

struct LogTable {
    static bool wants(const gantry_host_t*, gantry_level_t) noexcept { return true; }
    static void write(const gantry_host_t* raw, gantry_level_t level, gantry_bytes_t line) noexcept {
        State& host = State::of(raw);
        if (level < GANTRY_TRACE || level > GANTRY_CRITICAL)
            host.violation("write(): there is no such level");
        const std::lock_guard lock{host.mutex};
        host.log.push_back({level, std::string{view(line)}});
    }
    static constexpr gantry_log_1_t kTable{sizeof(gantry_log_1_t), &wants, &write};
};

}  // namespace gantry::fake::detail
