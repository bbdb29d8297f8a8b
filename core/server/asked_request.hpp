// A request as people write it ("GET https://shop.example.com/api/") as one that can be rehearsed: for
// `gantry explain` and the tests of a configuration.
#pragma once

#include "core/server/rehearsal.hpp"

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace gantry::server {

struct AskedRequest {
    std::string method = "GET";
    std::string url;  // "https://HOST[:PORT]/path?query"; or what follows the method as a client sends it
    std::vector<std::pair<std::string, std::string>> headers;  // a Host of its own stands in for the URL's
    std::string client = "127.0.0.1";
    std::string listener;  // its name; "": the one with the scheme and port of the URL
};

// The error is a sentence. Without a listener of that port and without a port in the URL, the first listener
// of the scheme is taken: behind a balancer ports are others than clients see.
tl::expected<RehearsalRequest, std::string> request_of(const conf::Settings& settings,
                                                       const AskedRequest& asked);

// The listener of that name, or of that scheme ("https" asks for TLS) and port. 0: the URL says none.
tl::expected<std::size_t, std::string> find_listener(const conf::Settings& settings, std::string_view name,
                                                     std::string_view scheme, std::uint16_t port);

// Numeric; "unix" for a client of a unix socket.
tl::expected<net::PeerAddress, std::string> client_of(std::string_view text);

}  // namespace gantry::server
