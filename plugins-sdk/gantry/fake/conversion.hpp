// From what a test wrote to what the module gets, by the keys that it declared.
#pragma once

#include "gantry/fake/values.hpp"

namespace gantry::fake::detail {

// Turns what was given into what the module gets, by the key that it declared. `error` is set where it does not fit.
class Conversion {
public:
    std::string error = {};

    std::unique_ptr<Value> convert(const gantry_key_t& key, const Given& given, std::uint32_t flags) {
        if ((flags & GANTRY_KEY_NAMED) != 0) return convert_named(key, given);
        if ((flags & GANTRY_KEY_LIST) != 0) return convert_list(key, given);
        if (key.type == GANTRY_TYPE_TABLE) return convert_table(key, given);
        return convert_one(key, given);
    }

    static const gantry_key_t* find_key(const gantry_key_t* keys, std::uint32_t count,
                                        std::string_view name) {
        for (std::uint32_t index = 0; index < count; ++index) {
            if (name == keys[index].name) return &keys[index];
        }
        return nullptr;
    }

private:
    std::unique_ptr<Value> fail(const gantry_key_t& key, std::string_view what) {
        if (error.empty()) error = std::string{key.name} + ": " + std::string{what};
        return std::make_unique<Value>();
    }

    std::unique_ptr<Value> convert_named(const gantry_key_t& key, const Given& given) {
        if (given.kind != Given::Kind::Table) return fail(key, "expected a table of names");
        auto value = std::make_unique<Value>();
        value->has_names = true;
        value->names = given.names;
        for (const Given& item : given.items) {
            value->items.push_back(convert(key, item, key.flags & ~GANTRY_KEY_NAMED));
        }
        return value;
    }

    std::unique_ptr<Value> convert_list(const gantry_key_t& key, const Given& given) {
        const std::uint32_t flags = key.flags & ~(GANTRY_KEY_NAMED | GANTRY_KEY_LIST);
        auto value = std::make_unique<Value>();
        if (given.kind != Given::Kind::List) {
            value->items.push_back(convert(key, given, flags));
            return value;
        }
        for (const Given& item : given.items) value->items.push_back(convert(key, item, flags));
        return value;
    }

    std::unique_ptr<Value> convert_table(const gantry_key_t& key, const Given& given) {
        auto value = std::make_unique<Value>();
        value->has_names = true;
        if (given.kind != Given::Kind::Table) {
            if (key.short_for == nullptr) return fail(key, "expected a table");
            add_member(*value, key, key.short_for, given);
        }
        for (std::size_t index = 0; index < given.names.size(); ++index) {
            add_member(*value, key, given.names[index], given.items[index]);
        }
        for (std::uint32_t index = 0; index < key.key_count; ++index) {
            const gantry_key_t& member = key.keys[index];
            if (value->member(member.name) != nullptr) continue;
            if (member.standard != nullptr) {
                add_member(*value, key, member.name, RightHandSide{member.standard}.read());
            } else if ((member.flags & GANTRY_KEY_REQUIRED) != 0) {
                fail(member, "is required");
            }
        }
        return value;
    }

    void add_member(Value& value, const gantry_key_t& table_key, std::string_view name, const Given& given) {
        const gantry_key_t* key = find_key(table_key.keys, table_key.key_count, name);
        if (key == nullptr) {
            fail(table_key, "has no key " + std::string{name});
            return;
        }
        value.names.emplace_back(name);
        value.items.push_back(convert(*key, given, key->flags));
    }

    std::unique_ptr<Value> convert_one(const gantry_key_t& key, const Given& given) {
        auto value = std::make_unique<Value>();
        const bool is_text = given.kind == Given::Kind::Text;
        switch (key.type) {
            case GANTRY_TYPE_BOOLEAN:
                if (given.kind != Given::Kind::Boolean) return fail(key, "expected true or false");
                value->is_boolean = true;
                value->number = given.number;
                return value;
            case GANTRY_TYPE_TIMESPAN:
            case GANTRY_TYPE_SIZE:
                value->number = given.number;
                if (is_text && !read_units(given.text, key.type == GANTRY_TYPE_TIMESPAN, value->number)) {
                    return fail(key, "expected a number with a unit");
                }
                if (!is_text && (given.kind != Given::Kind::Number || key.type == GANTRY_TYPE_TIMESPAN)) {
                    return fail(key, "expected a text with a unit");
                }
                return in_range(key, std::move(value));
            case GANTRY_TYPE_INTEGER:
                if (given.kind != Given::Kind::Number) return fail(key, "expected a number");
                value->number = given.number;
                return in_range(key, std::move(value));
            default:
                break;
        }
        if (!is_text) return fail(key, "expected a text");
        value->text = given.text;
        if (key.type == GANTRY_TYPE_PATH && !given.text.starts_with('/'))
            value->text = "/etc/gantry/" + given.text;
        if (key.type != GANTRY_TYPE_CHOICE) return value;
        for (const char* const* choice = key.choices; *choice != nullptr; ++choice) {
            if (given.text == *choice) return value;
        }
        return fail(key, "is none of the choices");
    }

    std::unique_ptr<Value> in_range(const gantry_key_t& key, std::unique_ptr<Value> value) {
        if (key.most != 0 && (value->number < key.least || value->number > key.most)) {
            return fail(key, "is out of its range");
        }
        return value;
    }
};

}  // namespace gantry::fake::detail
