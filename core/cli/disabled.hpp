// Which hosts of a generation are not served, and why: for status, log and verdicts.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/net/resolver.hpp"
#include "core/server/generation.hpp"

#include <string>
#include <vector>

namespace gantry::cli {

struct DisabledHost {
    std::string host;  // its name; "": hosts of an included file, which are not known
    std::string reason;
    std::string hint;
    std::string place;  // "/etc/gantry/sites/a.toml:3"
};

// As of now: a certificate may have come, a name may have been resolved since the generation was loaded.
// Hosts are disabled as a whole, but where no peer of an upstream has an address: there it is the locations
// that need it. [main]
std::vector<DisabledHost> disabled_hosts(const server::Generation& generation, net::Resolver& resolver);

// Adds what peers without addresses disable.
void tell_unresolved(const server::Generation& generation, net::Resolver& resolver,
                     conf::Diagnostics& diagnostics);

// "a.test, b.test and 3 more"; each host once.
std::string names_text(const std::vector<DisabledHost>& disabled);

}  // namespace gantry::cli
