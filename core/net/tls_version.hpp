// Which TLS library this is, for gantry -V.
#pragma once

#include <string>

namespace gantry::net {

// "OpenSSL 3.5.1 1 Jul 2025", of the library that is loaded. [any]
std::string tls_library_version();

}  // namespace gantry::net
