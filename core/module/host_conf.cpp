// gantry.conf/1
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::module {
namespace {

constexpr std::uint32_t kScopes =
    GANTRY_IN_SERVER | GANTRY_IN_HOST | GANTRY_IN_LOCATION | GANTRY_IN_LISTENER | GANTRY_IN_UPSTREAM;

// ---- declaring

constexpr std::uint32_t kMostKeys = 256;
constexpr int kDeepest = 4;

std::optional<conf::Type> type_of(std::uint32_t type) {
    constexpr conf::Type kTypes[] = {conf::Type::Boolean,  conf::Type::Integer, conf::Type::Size,
                                     conf::Type::Timespan, conf::Type::String,  conf::Type::Path,
                                     conf::Type::Template, conf::Type::Choice,  conf::Type::Table};
    if (type < GANTRY_TYPE_BOOLEAN || type > GANTRY_TYPE_TABLE) return std::nullopt;
    return kTypes[type - GANTRY_TYPE_BOOLEAN];
}

// Keys of `key_size` bytes each, those in tables of keys as well.
class Declaration {
public:
    Declaration(Module& module, std::uint32_t key_size) : module_(module), key_size_(key_size) {}

    bool take(const gantry_key_t* keys, std::uint32_t count, int depth, std::vector<conf::ModuleKey>& out) {
        if (count > kMostKeys || depth > kDeepest || (count > 0 && keys == nullptr))
            return fail("its table of keys is too large, or missing");
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!take_one(element(keys, key_size_, i), depth, out.emplace_back())) return false;
        }
        return true;
    }

private:
    bool fail(std::string text) {
        module_.failure = std::move(text);
        return false;
    }

    bool take_one(const gantry_key_t& from, int depth, conf::ModuleKey& to) {
        to.doc.name = view_of(from.name);
        const auto type = type_of(from.type);
        if (!type) return fail(fmt::format("the type of its key \"{}\" is not known", to.doc.name));
        to.doc.type = *type;
        to.doc.standard = view_of(from.standard);
        to.doc.example = view_of(from.example);
        to.doc.doc = view_of(from.doc);
        to.scopes = static_cast<std::uint8_t>(from.scopes & kScopes);
        to.is_required = (from.flags & GANTRY_KEY_REQUIRED) != 0;
        to.is_list = (from.flags & GANTRY_KEY_LIST) != 0;
        to.is_named = (from.flags & GANTRY_KEY_NAMED) != 0;
        to.is_handler = (from.flags & GANTRY_KEY_HANDLER) != 0;
        to.is_secret = (from.flags & GANTRY_KEY_SECRET) != 0;
        to.short_for = view_of(from.short_for);
        to.deprecated = view_of(from.deprecated);
        if (from.most != 0) {
            to.least = from.least;
            to.most = from.most;
        }
        if (from.choices != nullptr) {
            std::vector<std::string_view>& all = module_.choices.emplace_back();
            for (const char* const* choice = from.choices; *choice != nullptr && all.size() < kMostKeys;
                 ++choice)
                all.emplace_back(*choice);
            to.doc.choices = all;
        }
        return take(from.keys, from.key_count, depth + 1, to.keys);
    }

    Module& module_;
    std::uint32_t key_size_;
};

gantry_result_t declare(const gantry_host_t* host, const gantry_key_t* keys, std::uint32_t count,
                        std::uint32_t key_size) noexcept {
    Module& module = module_of(host);
    if (module.is_open || !module.doc.keys.empty()) return GANTRY_ERROR_STATE;
    if (!is_enough<gantry_key_t>(key_size)) {
        module.failure =
            fmt::format("its keys have {} bytes, and {} are needed", key_size, kLeastOf<gantry_key_t>);
        return GANTRY_ERROR_ARGUMENT;
    }
    return Declaration(module, key_size).take(keys, count, 0, module.doc.keys) ? GANTRY_OK
                                                                               : GANTRY_ERROR_ARGUMENT;
}

// ---- finding

const conf::ModuleKey* key_of(const Module& module, std::string_view name) {
    for (const conf::ModuleKey& key : module.doc.keys) {
        if (key.doc.name == name) return &key;
    }
    return nullptr;
}

const conf::ModuleValue* own_value(const gantry_scope& scope, const conf::ModuleKey& key) {
    for (const conf::ModuleValue& value : *scope.own) {
        if (value.key == &key) return &value;
    }
    return nullptr;
}

// "limit.rate" from `value`, which is of "limit".
const conf::ModuleValue* follow(const conf::ModuleValue* value, std::string_view rest) {
    while (value != nullptr && !rest.empty()) {
        const auto dot = std::min(rest.find('.'), rest.size());
        value = value->member(rest.substr(0, dot));
        rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    return value;
}

const gantry_value_t* look(const gantry_scope_t* scope, gantry_bytes_t path, bool is_own) {
    const std::string_view text = view_of(path);
    const auto dot = std::min(text.find('.'), text.size());
    const conf::ModuleKey* const key = key_of(*scope->module, text.substr(0, dot));
    if (key == nullptr) return nullptr;
    const std::string_view rest = text.substr(std::min(dot + 1, text.size()));
    const conf::ModuleValue* found = nullptr;
    for (const gantry_scope* at = scope; at != nullptr && found == nullptr; at = at->parent) {
        found = own_value(*at, *key);
        if (is_own) break;
    }
    if (found == nullptr && !is_own) found = key->standard.get();
    found = follow(found, rest);
    return found == nullptr ? nullptr : bind(*scope, *found);
}

const gantry_value_t* find(const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
    return look(scope, path, false);
}
const gantry_value_t* find_own(const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
    return look(scope, path, true);
}
const gantry_scope_t* parent(const gantry_scope_t* scope) noexcept {
    return scope->parent;
}
std::uint32_t kind(const gantry_scope_t* scope) noexcept {
    return scope->kind;
}
gantry_bytes_t name(const gantry_scope_t* scope) noexcept {
    return bytes_of(scope->name);
}

// ---- values

using Kind = conf::ModuleValue::Kind;

bool boolean(const gantry_value_t* value) noexcept {
    return value != nullptr && value->value->kind == Kind::Boolean && value->value->integer != 0;
}
std::int64_t integer(const gantry_value_t* value) noexcept {
    return value != nullptr && value->value->kind == Kind::Integer ? value->value->integer : 0;
}
gantry_bytes_t text(const gantry_value_t* value) noexcept {
    return value == nullptr ? gantry_bytes_t{} : bytes_of(value->value->text);
}
std::uint32_t count(const gantry_value_t* value) noexcept {
    return value == nullptr ? 0 : static_cast<std::uint32_t>(value->items.size());
}
const gantry_value_t* at(const gantry_value_t* value, std::uint32_t index) noexcept {
    return index < count(value) ? &value->items[index] : nullptr;
}
gantry_bytes_t name_at(const gantry_value_t* value, std::uint32_t index) noexcept {
    return index < count(value) ? bytes_of(value->items[index].value->name) : gantry_bytes_t{};
}
const gantry_value_t* member(const gantry_value_t* value, gantry_bytes_t key) noexcept {
    for (std::uint32_t i = 0; i < count(value); ++i) {
        if (value->items[i].value->name == view_of(key)) return &value->items[i];
    }
    return nullptr;
}

// ---- saying what is wrong

conf::Place place_of(const gantry_scope_t* scope, const gantry_value_t* value) {
    return value != nullptr && value->value->place.line != 0 ? value->value->place : scope->place;
}

void error(const gantry_scope_t* scope, const gantry_value_t* value, gantry_bytes_t message,
           gantry_bytes_t hint) noexcept {
    // What a module has to say of a place is that place's alone.
    const conf::Cause cause = scope->parent != nullptr ? conf::Cause::Environment : conf::Cause::Text;
    scope->problems->push_back(
        {place_of(scope, value), 0, std::string(view_of(message)), std::string(view_of(hint)), cause});
}
void warning(const gantry_scope_t* scope, const gantry_value_t* value, gantry_bytes_t message,
             gantry_bytes_t hint) noexcept {
    if (scope->diagnostics == nullptr) return;
    scope->diagnostics->warning(place_of(scope, value), std::string(view_of(message)),
                                std::string(view_of(hint)));
}

void bind_into(const gantry_scope& scope, const conf::ModuleValue& value, gantry_value& out) {
    out.value = &value;
    if (value.key->doc.type == conf::Type::Template && value.kind == Kind::Text) {
        server::TemplateScope allowed{
            server::Purpose::Text, server::Stage::Response, {}, scope.encoded_slash};
        if (scope.captures != nullptr) allowed.captures = *scope.captures;
        auto compiled = server::Template::compile(value.text, allowed);
        if (compiled) {
            out.compiled = std::move(*compiled);
        } else {
            scope.problems->push_back({value.place, static_cast<std::uint32_t>(compiled.error().offset),
                                       compiled.error().message, compiled.error().hint});
        }
    }
    out.items.resize(value.items.size());
    for (std::size_t i = 0; i < value.items.size(); ++i) bind_into(scope, value.items[i], out.items[i]);
}

}  // namespace

const gantry_value* bind(const gantry_scope& scope, const conf::ModuleValue& value) {
    gantry_value& out = scope.kept->values.emplace_back();
    bind_into(scope, value, out);
    return &out;
}

const gantry_conf_1_t kConf = {
    sizeof(gantry_conf_1_t),
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
    &warning,
};

}  // namespace gantry::module
