// Settings as text, one value a line: what the configuration came to, with every reference by its name.
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::conf {

enum class Detail : std::uint8_t {
    Everything,
    Changed,  // only what is not at its default
};

// Lines such as `listener.web.backlog = 1024`, in the order of the files; the same settings always give the
// same text.
std::string dump(const Settings& settings, Detail detail);

// One table of the configuration with what it came to: what two configurations are compared by.
struct DumpedTable {
    enum class Kind : std::uint8_t { Server, Log, Store, Listener, Upstream, Host, Location };
    Kind kind = Kind::Server;
    std::string_view name;  // of the listener, upstream, host or location; views into the settings
    std::string_view host;  // of a location
    Place place;
    std::vector<std::pair<std::string, std::string>> values;  // only what is not at its default
    // What stands behind "***" in values of those names: to be compared, not to be shown.
    std::vector<std::pair<std::string, std::string>> secrets{};
};
std::vector<DumpedTable> dump_tables(const Settings& settings);

}  // namespace gantry::conf
