// Every table of the configuration with every key, and every place where a key may stand: what the manual,
// the schema for editors, `gantry help` and messages are made of.
#pragma once

#include "core/conf/reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

const std::vector<Scope>& all_scopes();

// Null where there is none of that path, and for the top level, which has none.
const Scope* find_scope(std::string_view path);

// A key at one of the places where it may stand.
struct Setting {
    std::string path;  // "host.location.static.root": without the names that users choose
    const Scope* scope = nullptr;
    const KeyDoc* key = nullptr;
};

// Every key at each of its places, in the order of the manual.
const std::vector<Setting>& all_settings();

// What `name` means: a whole path, else the end of one or several. Names that users choose may be in it:
// "listener.web.backlog". One element for each key, the first of its places. Empty: there is no such setting.
std::vector<const Setting*> find_settings(std::string_view name);

// "host.\"www.example.com\".location.\"/\".proxy" in its parts, without the quotes.
std::vector<std::string> split_path(std::string_view text);

// The paths of all places where `key` may stand.
std::vector<std::string_view> places_of(const KeyDoc& key);

// ---- in words

// `an integer`, `a time such as "30s"`, `true, false or a table`.
std::string type_text(const KeyDoc& key);
// `from 1 to 65535`, `at least "1s"`; empty where any value of the type will do.
std::string range_text(const KeyDoc& key);
// The example as lines that load (given that the files that they name are there).
std::string example_text(const Setting& setting);

}  // namespace gantry::conf
