// The configuration as it is in effect: every value of all files as one document, each with where it comes
// from, and on demand what holds where nothing is said. For `gantry config`.
#pragma once

#include "core/conf/load.hpp"
#include "core/conf/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

// One value at its place.
struct EffectiveValue {
    std::vector<std::string> table;  // {"host", "www.example.com", "location", "/"}; of a test {"test", "1"}
    std::string key;
    std::string toml;  // as it is written
    std::string json;
    // "/etc/gantry/gantry.toml:3", "default"; behind it "environment NAME", "file /run/x" for what was put in
    std::vector<std::string> origins;
    Place place;  // line 0: a default
    // The value has a secret in it, which is not shown: what a file brought, a field that carries
    // credentials, a password in a URL.
    bool is_masked = false;
};

enum class Untouched { Omitted, Shown };  // settings that no file mentions

struct Effective {
    Loaded loaded;                       // the settings are there unless something is wrong
    std::vector<std::string> files;      // by Place::file
    std::vector<EffectiveValue> values;  // what is in no table, server and log, then as in the files
};

// Reads `path` as load() does, but for rooms above.
Effective effective(const std::string& path, const LoadOptions& options, Untouched untouched);

// Whether `only` names the value, its table or one around it: "listener", "host.\"a.test\"", "a.test",
// "max_body".
bool is_named(const EffectiveValue& value, std::string_view only);

// A document that loads (but for masked values), with origins and defaults as comments.
std::string effective_toml(const std::vector<EffectiveValue>& values);
// An array of {table, key, value, origins, file, line, column, masked}.
std::string effective_json(const Effective& effective);

}  // namespace gantry::conf
