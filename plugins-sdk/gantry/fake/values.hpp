// The configuration of a fake host: values as a test writes them, and as the module gets them.
//
// What a module declared is kept to: types, ranges, choices, units such as "30s" and "10MiB", lists, tables, their
// short forms and their defaults. What does not fit makes the load fail, with the error in Host::errors().
#pragma once

#include "gantry/ext/conf.h"

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::fake {

struct Entry;

// A value as it stands in a file: true, 5, "30s", list({"a", "b"}), table({{"rate", 5}}).
struct Given {
    enum class Kind { Boolean, Number, Text, List, Table };

    Given(bool value) : kind(Kind::Boolean), number(value) {}
    Given(int value) : kind(Kind::Number), number(value) {}
    Given(std::int64_t value) : kind(Kind::Number), number(value) {}
    Given(const char* value) : kind(Kind::Text), text(value) {}
    Given(std::string value) : kind(Kind::Text), text(std::move(value)) {}

    Kind kind;
    std::int64_t number = 0;
    std::string text = {};
    std::vector<Given> items = {};
    std::vector<std::string> names = {};  // of a table
};

// A line of the file: {"teapot", "short and stout"}.
struct Entry {
    std::string name;
    Given value;
};

inline Given list(std::initializer_list<Given> items) {
    Given given{false};
    given.kind = Given::Kind::List;
    given.items = items;
    return given;
}
inline Given table(std::initializer_list<Entry> entries) {
    Given given{false};
    given.kind = Given::Kind::Table;
    for (const Entry& entry : entries) {
        given.names.push_back(entry.name);
        given.items.push_back(entry.value);
    }
    return given;
}

// What a module holds as a gantry_value_t.
struct Value {
    bool is_boolean = false;
    std::int64_t number = 0;
    std::string text = {};
    std::vector<std::unique_ptr<Value>> items = {};
    std::vector<std::string> names = {};
    bool has_names = false;  // a table, or values by name

    const Value* member(std::string_view name) const {
        for (std::size_t index = 0; index < names.size(); ++index) {
            if (names[index] == name) return items[index].get();
        }
        return nullptr;
    }
};

namespace detail {

// A number with units, several after another: "1h30m". False: it is none.
inline bool read_units(std::string_view text, bool is_time, std::int64_t& result) {
    struct Unit {
        std::string_view name;
        std::int64_t factor;
    };
    static constexpr Unit kTimes[] = {{"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}};
    static constexpr Unit kSizes[] = {{"B", 1},           {"KiB", 1 << 10},      {"MiB", 1 << 20},
                                      {"GiB", 1LL << 30}, {"TiB", 1LL << 40},    {"kB", 1000},
                                      {"MB", 1'000'000},  {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}};
    result = 0;
    if (text.empty()) return false;
    while (!text.empty()) {
        double count = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc{} || count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        std::size_t letters = 0;
        while (letters < text.size() && (text[letters] < '0' || text[letters] > '9')) ++letters;
        const Unit* found = nullptr;
        const auto look = [&](const auto& units) {
            for (const Unit& unit : units) {
                if (unit.name == text.substr(0, letters)) found = &unit;
            }
        };
        is_time ? look(kTimes) : look(kSizes);
        if (found == nullptr) return false;
        result += static_cast<std::int64_t>(count * static_cast<double>(found->factor));
        text.remove_prefix(letters);
    }
    return true;
}

// The right-hand side of a line of TOML, as far as defaults need it.
class RightHandSide {
public:
    explicit RightHandSide(std::string_view text) : rest_(text) {}

    Given read() {
        skip_blanks();
        if (take('"')) return read_text();
        if (take('[')) return read_list();
        if (take('{')) return read_table();
        const std::size_t end = std::min(rest_.find_first_of(" ,]}"), rest_.size());
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        if (word == "true" || word == "false") return word == "true";
        std::int64_t number = 0;
        std::from_chars(word.data(), word.data() + word.size(), number);
        return number;
    }

private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
    bool take(char wanted) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    Given read_text() {
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            text += rest_.front();
            rest_.remove_prefix(1);
        }
        take('"');
        return text;
    }
    Given read_list() {
        Given result = list({});
        while (!rest_.empty() && !take(']')) {
            result.items.push_back(read());
            take(',');
        }
        return result;
    }
    Given read_table() {
        Given result = table({});
        while (!rest_.empty() && !take('}')) {
            skip_blanks();
            const std::size_t end = std::min(rest_.find_first_of(" ="), rest_.size());
            result.names.emplace_back(rest_.substr(0, end));
            rest_.remove_prefix(end);
            take('=');
            result.items.push_back(read());
            take(',');
        }
        return result;
    }

    std::string_view rest_;
};

}  // namespace detail
}  // namespace gantry::fake
