// Why a host and a location answer a request, and why the others do not: for `gantry explain`.
#pragma once

#include "core/server/generation.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

// The name of `host` that stands for `authority` (as the parser accepted it); null: none does, it answers as
// the default of the listener.
const conf::HostName* find_name(const HostEntry& host, std::string_view authority);

// The pattern of `location` that a route ended with: its text as in Route::pattern, "" for an expression.
const conf::Pattern* find_pattern(const HostEntry& host, const LocationEntry& location,
                                  std::string_view matched, std::string_view path);

// A location that did not answer.
struct Unchosen {
    const conf::Location* location = nullptr;
    const conf::Pattern* pattern = nullptr;  // that is of the path; null: none is
    std::string why;                         // "the method is not POST"
    conf::Place place;                       // of what decided it
};

// All locations of `host` but `chosen` (null: none answered), which `pattern` of it brought the request to;
// in the order of the file.
std::vector<Unchosen> find_unchosen(const HostEntry& host, const LocationEntry* chosen,
                                    const conf::Pattern* pattern, const http::RequestHead& head,
                                    std::string_view path, const IpBytes& client, Arena& arena);

}  // namespace gantry::server
