#include "core/net/tls_version.hpp"

#include <openssl/crypto.h>

namespace gantry::net {

std::string tls_library_version() {
    return OpenSSL_version(OPENSSL_VERSION);
}

}  // namespace gantry::net
