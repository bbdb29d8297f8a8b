// What modules do with a ClientHello, before a certificate is chosen.
#pragma once

#include "core/net/client_hello.hpp"
#include "core/server/phase.hpp"

#include <string>

namespace gantry::server {

struct HelloHook {
    // Next: nothing to object. Done: the hello is answered. Anything else refuses the handshake.
    Verdict (*run)(net::ClientHello& hello, const void* self) = nullptr;
    const void* self = nullptr;  // lives as long as the generation
    std::string name;
};

}  // namespace gantry::server
