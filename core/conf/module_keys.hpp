// Keys that modules bring along: what they declare, and the values that the files give them. Where modules
// come from is for a room above.
#pragma once

#include "core/conf/schema.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::conf {

enum class KeyScope : std::uint8_t { Server = 1, Host = 2, Location = 4, Listener = 8, Upstream = 16 };

struct ModuleKey {
    KeyDoc doc;
    std::uint8_t scopes = 0;  // of KeyScope, together; 0 within a table
    bool is_required = false;
    bool is_list = false;     // one value, or a list of them; read as a list
    bool is_named = false;    // a table of such values by names of the user's
    bool is_handler = false;  // of a location: it is what answers
    bool is_secret = false;
    std::string_view short_for;   // of a table: the key that a bare value is meant for
    std::string_view deprecated;  // what to write instead
    // Of integers, sizes and timespans, in the unit of ModuleValue.
    std::int64_t least = INT64_MIN;
    std::int64_t most = INT64_MAX;
    std::vector<ModuleKey> keys;            // of a table
    std::shared_ptr<ModuleValue> standard;  // what doc.standard says; null: nothing

    bool may_stand_in(KeyScope scope) const { return (scopes & static_cast<std::uint8_t>(scope)) != 0; }
};

struct ModuleDoc {
    std::string name;
    std::vector<ModuleKey> keys;
    bool offers_certificates = false;  // hosts may name it as their `certificate`
};

// Reads the defaults of `doc`, and says what is wrong with its keys: a sentence, "" where all is well.
// `others`: whose keys these must not be as well.
std::string complete(ModuleDoc& doc, const std::vector<const ModuleDoc*>& others);

// Null: no module has a key of that name there.
const ModuleKey* find_key(const std::vector<const ModuleDoc*>& docs, KeyScope scope, std::string_view name);

// nullopt where something is wrong, which is reported.
std::optional<ModuleValue> read_value(Reader& in, const ModuleKey& key, const Node& node);

// As one would write it. Plain: to be compared, never to be shown.
enum class Secrets : std::uint8_t { Masked, Plain };
std::string value_text(const ModuleValue& value, Secrets secrets = Secrets::Masked);

struct ModuleRefusal {
    std::string message;  // one sentence, lower case, no full stop
    std::string hint;
};

// Whoever can load modules.
class ModuleSource {
public:
    // `name`: as in the file, paths already absolute. What is returned lives as long as the process.
    virtual tl::expected<const ModuleDoc*, ModuleRefusal> open(const std::string& name) = 0;

protected:
    ~ModuleSource() = default;
};

}  // namespace gantry::conf
