#include "core/cli/process_events.hpp"

#include "core/conf/json_text.hpp"

#include <fmt/format.h>
#include <set>
#include <string>

namespace gantry::cli {
namespace {

using Kind = server::Change::Kind;
using What = server::Change::What;

std::string_view family_of(Kind kind) {
    switch (kind) {
        case Kind::Listener:
            return "listener";
        case Kind::Upstream:
            return "upstream";
        case Kind::Host:
        case Kind::Location:
            return "host";
        case Kind::Server:
        case Kind::Log:
        case Kind::Store:
            break;
    }
    return "";
}

std::string_view name_of(What what) {
    constexpr std::string_view kNames[] = {"added", "removed", "changed"};
    return kNames[static_cast<std::size_t>(what)];
}

std::string of_generation(std::uint64_t generation) {
    return fmt::format("{{\"generation\":{}}}", generation);
}

}  // namespace

void tell_ready(module::Events& events, std::uint64_t generation) {
    events.tell("server.ready", "", of_generation(generation));
}

void tell_reloaded(module::Events& events, std::uint64_t generation,
                   const std::vector<server::Change>& changes) {
    const std::string data = of_generation(generation);
    events.tell("server.reloaded", "", data);
    std::set<std::string> told_hosts;  // a location that changes in any way changes its host, once
    for (const server::Change& change : changes) {
        const std::string_view family = family_of(change.kind);
        if (family.empty()) continue;
        const bool is_location = change.kind == Kind::Location;
        const std::string& subject = is_location ? change.host : change.name;
        if (family == "host" && !told_hosts.insert(subject).second) continue;
        events.tell(fmt::format("{}.{}", family, name_of(is_location ? What::Changed : change.what)), subject,
                    data);
    }
}

void tell_reload_refused(module::Events& events, std::string_view error) {
    events.tell("server.reload_refused", "", fmt::format("{{\"error\":{}}}", conf::json_string(error)));
}

void tell_stopping(module::Events& events) {
    events.tell("server.stopping", "", "{}");
}

}  // namespace gantry::cli
