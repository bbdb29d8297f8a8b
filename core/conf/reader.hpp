// What a key of the configuration is, in one declarative place: its name, type, default, range, doc and
// example, and the field that it fills. Reading a table is walking its keys along such a list; so an unknown
// key, a wrong type and a value out of range are found in one place, and the manual is generated from it.
#pragma once

#include "core/conf/load.hpp"
#include "core/conf/tree.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gantry::conf {

enum class Type : std::uint8_t {
    Boolean,
    Integer,
    Size,
    Timespan,
    String,
    Path,  // relative to the folder of the file that it stands in
    Template,
    Choice,
    Strings,
    Paths,
    Templates,
    Table,
    Special,  // several forms; the doc says which
};

// What a value may be where its type alone does not say it: any of these.
struct Forms {
    bool boolean = false;
    bool integer = false;
    bool text = false;
    bool list = false;              // of any of the others
    std::string_view table = {};    // the path of the Scope that its keys are of: "listener.tls"
    bool named = false;             // a table of such values by name
    std::string_view names = {};    // which names, as a regular expression
    std::string_view pattern = {};  // of texts, likewise
    // Of integers, where the reader of the key checks it itself.
    std::int64_t least = 0;
    std::int64_t most = 0;
};

enum class Need : std::uint8_t { Optional, Required };

struct KeyDoc {
    std::string_view name;
    Type type = Type::String;
    std::string_view standard = {};  // what holds when the key is absent, as one would write it; "" = nothing
    std::string_view example = {};   // the right-hand side
    std::string_view doc = {};
    // Integer: the value; Size: bytes; Duration: milliseconds
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    // Type::Choice: all that there is. Integer, Strings, Special: words that mean something, or all numbers.
    std::span<const std::string_view> choices = {};
    Forms forms = {};              // of Table, Special, and where a type has one more form
    Need need = Need::Optional;    // its table must have it
    std::string_view beside = {};  // lines without which the example is refused
};

class Loading;

template <class T>
struct Key {
    KeyDoc doc;
    void (*apply)(Loading& in, const KeyDoc& key, const Node& node, T& into);
};

// One table of the configuration for the manual: [listener.NAME].
struct ScopeInfo {
    std::string_view name;
    std::string_view path = {};  // without the names that users choose: "listener.tls"; "" = the top level
    std::string_view doc = {};
    // Where a line of it goes in an example, with @ for the line: "[listener.web]\n@"
    std::string_view frame = {};
    std::string_view beside = {};  // lines that its other keys need beside them, so that an example loads
    std::span<const std::string_view> one_of = {};  // a table has exactly one of these keys
};

struct Scope : ScopeInfo {
    std::vector<const KeyDoc*> keys;
};

// The typed cursor. Every read reports what is wrong and leaves `out` as it is.
class Reader {
public:
    Reader(const Sources& sources, Diagnostics& diagnostics, const LoadOptions& options, Inputs& inputs);

    void error(Place place, std::string message, std::string hint,
               std::optional<Related> related = std::nullopt) {
        diagnostics_.error(place, std::move(message), std::move(hint), std::move(related));
    }
    void warning(Place place, std::string message, std::string hint,
                 std::optional<Related> related = std::nullopt) {
        diagnostics_.warning(place, std::move(message), std::move(hint), std::move(related));
    }
    // `"backlog" must be an integer, not a string`, with the key's example.
    void wrong_type(const KeyDoc& key, const Node& node, std::string_view wanted);

    bool read(const KeyDoc& key, const Node& node, bool& out);
    bool read(const KeyDoc& key, const Node& node, std::uint64_t& out);
    bool read(const KeyDoc& key, const Node& node, std::uint32_t& out);
    bool read(const KeyDoc& key, const Node& node, int& out);
    bool read(const KeyDoc& key, const Node& node, Duration& out);
    bool read(const KeyDoc& key, const Node& node, std::string& out);
    bool read(const KeyDoc& key, const Node& node, Template& out);
    bool read(const KeyDoc& key, const Node& node, std::vector<std::string>& out);
    bool read(const KeyDoc& key, const Node& node, std::vector<Template>& out);

    template <class T>
    bool read(const KeyDoc& key, const Node& node, std::optional<T>& out) {
        T value{};
        if (!read(key, node, value)) return false;
        out = std::move(value);
        return true;
    }

    // Enumerators in the order of the key's choices.
    template <class E>
        requires std::is_enum_v<E>
    bool read(const KeyDoc& key, const Node& node, E& out) {
        const auto index = choice(key, node);
        if (index) out = static_cast<E>(*index);
        return index.has_value();
    }

    std::optional<std::size_t> choice(const KeyDoc& key, const Node& node);
    // A string as it stands, after interpolation.
    std::optional<std::string> text(const KeyDoc& key, const Node& node);
    // A string, or each string of an array.
    template <class Visit>
    bool each(const KeyDoc& key, const Node& node, Visit visit) {
        if (node.kind == Node::Kind::String) {
            visit(node);
            return true;
        }
        if (node.kind != Node::Kind::Array) {
            wrong_type(key, node, "a string or a list of strings");
            return false;
        }
        for (const Entry& item : node.children()) visit(*item.node);
        return true;
    }

    // `path` against the folder of the file at `place`, absolute and without dot segments. Reports what looks
    // like a path to a shell only.
    std::optional<std::string> resolve(std::string_view path, Place place);

    void unknown_key(const Entry& entry, std::string_view scope, const std::vector<std::string_view>& names);

    const LoadOptions& options() const { return options_; }
    Diagnostics& diagnostics() { return diagnostics_; }
    const Sources& sources() const { return sources_; }

private:
    bool read_number(const KeyDoc& key, const Node& node, std::uint64_t limit, std::uint64_t& out);
    bool check_range(const KeyDoc& key, const Node& node, std::uint64_t value);

    const Sources& sources_;
    Diagnostics& diagnostics_;
    const LoadOptions& options_;
    Inputs& inputs_;
    std::vector<std::string> folders_;  // absolute, of each file
};

// The reader for keys that are one field.
template <auto Member, class T>
void field(Loading& in, const KeyDoc& key, const Node& node, T& into);

// Reads `table` along `keys`. False when it is not a table. `scope` is what messages call it: a string, or a
// function that makes one, for tables that there may be thousands of.
template <class T, std::size_t N, class ScopeName>
bool read_table(Loading& in, const Key<T> (&keys)[N], const Node& table, const ScopeName& scope, T& into);

template <class T, std::size_t N>
Scope scope_of(const ScopeInfo& info, const Key<T> (&keys)[N]) {
    Scope out{info, {}};
    for (const Key<T>& key : keys) out.keys.push_back(&key.doc);
    return out;
}

}  // namespace gantry::conf
