// What a reload would change, before it happens: two configurations compared, in words and with places.
#pragma once

#include "core/conf/dump.hpp"
#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace gantry::server {

// One listener, upstream, host or location (or [server] or [log]) that would be there, be gone or be
// different.
struct Change {
    enum class What : std::uint8_t { Added, Removed, Changed };
    using Kind = conf::DumpedTable::Kind;

    What what = What::Changed;
    Kind kind = Kind::Server;
    std::string name;                  // "web", "shop.example.com", "/api/"; "" of [server] and [log]
    std::string host;                  // of a location
    std::string place;                 // "/etc/gantry/gantry.toml:12"; where it was, when it is removed
    std::vector<std::string> details;  // of What::Changed: "max_head: \"16KiB\" -> \"32KiB\""
    // What sockets and connections feel, or when it takes effect: "closes 127.0.0.1:80; ...". Mostly empty:
    // a change of hosts, locations and upstreams touches no connection.
    std::vector<std::string> effects;
};

// In the order of the tables of `next`, those that are gone behind their kind. A location that moved among
// others of its host is a change of the host. Empty: nothing would change. Control plane; [any].
std::vector<Change> changes(const conf::Settings& old, const conf::Settings& next);

// "listener web", "location /api/ of host shop.example.com", "[server]".
std::string subject_of(const Change& change);

// A line for each, with "+", "-" or "~" and what is different below it. Where many changed in the same way
// (what the server scope hands down), the first ones stand for the others. "" when there are none.
std::string render_changes(const std::vector<Change>& changes);

}  // namespace gantry::server
