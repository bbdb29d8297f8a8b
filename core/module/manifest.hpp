// What a module says of itself, read from its file without running any of it: the lines that GANTRY_ENTRY()
// puts into a section, and what its tables of symbols and libraries tell. For decisions before dlopen() and
// for `gantry module info`. Thread: control.
#pragma once

#include "core/module/commands.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace gantry::module {

struct AbiVersion {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;

    bool operator==(const AbiVersion&) const = default;
};

// Of the SDK that this gantry was built with.
AbiVersion abi_of_this_gantry();

// All strings are text that a terminal may be given.
struct Manifest {
    std::string path;     // as it was given
    std::string name;     // [a-z][a-z0-9-]{0,31}
    std::string version;  // not empty
    std::string description;
    AbiVersion abi;                 // the least that it needs
    std::vector<Command> commands;  // of the command line
    // Lines of other keys, which a later SDK may have put there, in their order.
    std::vector<std::pair<std::string, std::string>> more;
    std::vector<std::string> needed;  // libraries that come with it: "libc.so.6"
    bool has_entry = false;           // exports the object gantry_module_entry
};

// [a-z][a-z0-9-]{0,31}
bool is_module_name(std::string_view name);

// Of the bytes of a file, whatever they are. `path` is for messages and the name of the file. An error is a
// whole sentence, with the path.
tl::expected<Manifest, std::string> parse_manifest(std::string_view bytes, const std::string& path);

// Reads the file, which is a regular one of at most 256 MiB.
tl::expected<Manifest, std::string> read_manifest(const std::string& path);

// Why a gantry of the ABI `ours` does not load it, and what to do about it: one sentence, with the path;
// empty: nothing speaks against it.
std::string why_refused(const Manifest& manifest, AbiVersion ours = abi_of_this_gantry());

}  // namespace gantry::module
