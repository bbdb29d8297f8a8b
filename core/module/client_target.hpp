// Whom modules send requests to: what the URL of a target says.
#pragma once

#include "core/conf/settings.hpp"
#include "core/upstream/upstream.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

// A target as a module has it. Lives as long as the instances of its generation; immutable. [any]
struct gantry_target {
    std::shared_ptr<const gantry::upstream::Upstream> upstream;  // null where nothing is sent: gantry check
    std::string host;                                            // of the field Host; "": the peer's address
    std::string path;                                            // where a request names none
};

namespace gantry::module {

struct TargetUrl {
    std::string upstream;  // the name of a configured one; "": `peer` is meant
    conf::Peer peer;
    bool is_tls = false;
    std::string host;  // as in Host: "app.internal:8080"
    std::string path;  // "/check?a=b", at least "/"
};

// What is wrong with it, and what to write instead.
struct TargetFault {
    std::string message;
    std::string hint;
};

// "http://app:3000/check", "https://id.example.com", "http+unix:///run/app.sock:/check",
// "upstream:app/check".
tl::expected<TargetUrl, TargetFault> parse_target(std::string_view url);

// "HOST:PORT" or "unix:/path", as peers are written; nullopt: it is none.
std::optional<conf::Peer> parse_peer(std::string_view text);

// What may stand in a request line (RFC 9112 3.2.1): "/", then what URIs are made of.
bool is_origin_form(std::string_view path);
// What may stand in Host: a name or an address, and a port.
bool is_host_value(std::string_view host);

}  // namespace gantry::module
