// What was found out about a connection before HTTP began: by filters of connections, such as those of
// modules.
#pragma once

#include "core/net/address.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::http {

struct ConnectionNotes {
    // What the client connected to, where a proxy in front says so.
    std::optional<net::PeerAddress> local;
    // Values of the variables conn.NAME; without control bytes.
    std::vector<std::pair<std::string, std::string>> facts;

    // "": there is none of that name.
    std::string_view fact(std::string_view name) const {
        for (const auto& [known, value] : facts) {
            if (known == name) return value;
        }
        return {};
    }
};

}  // namespace gantry::http
