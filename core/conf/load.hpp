// Loading: the files of a configuration into Settings, or everything that is wrong with them.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/document.hpp"
#include "core/conf/settings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gantry::conf {

// Checks that need a library of a room above: certificates and keys, regular expressions, templates. They get
// the settings even where there are errors already, so that one run tells everything; what was wrong then
// stands at its default. May move the settings away, to spare a copy: Loaded::settings is empty then, but
// still says by being there that nothing is wrong.
using Verify = std::function<void(Settings&, Diagnostics&)>;

class ModuleSource;  // module_keys.hpp

struct LoadOptions {
    Environment environment;  // empty: the process's
    Verify verify;            // empty: nothing more is checked
    bool strict = false;      // warnings and contained errors forbid it as others do
    // What an earlier load read, in place of the machine; files that settings only name are looked at still.
    const Snapshot* replayed = nullptr;
    Snapshot* recorded = nullptr;  // gets what this load reads
    // For serving: an error that is one of some hosts alone (containment.hpp) disables these, and forbids
    // nothing. What is wrong with certificates is left to whoever loads them; a key that everyone can read is
    // a warning.
    bool contain = false;
    // Null: modules are not loaded, and what may be a key of theirs is passed over.
    ModuleSource* modules = nullptr;
    // Lines of TOML that take the place of what the files say: of the command line.
    std::string overlay{};
    // What is served so far, if anything; knows the hosts of files that cannot be read any more. Outlives the
    // load.
    const Settings* before = nullptr;
    // Gets the places of values that modules call secret, also of those that are wrong.
    std::vector<Place>* secrets = nullptr;
};

struct Loaded {
    std::optional<Settings> settings;  // absent when there is an error (see contain, strict)
    Diagnostics diagnostics;           // finished
};

// Never throws for anything in the files. [any], but one load at a time reads the environment
Loaded load(const std::string& path, const LoadOptions& options = {});

// A text instead of a file; relative paths start from the folder of `name`.
Loaded load_text(const std::string& name, std::string text, const LoadOptions& options = {});

}  // namespace gantry::conf
