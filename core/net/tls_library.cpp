#include "core/net/tls_library.hpp"

#include <openssl/crypto.h>

namespace gantry::net {

// Null when OpenSSL cannot make one: then its own is used, which is slower and no less right.
TlsLibrary::TlsLibrary()
    : context_(OSSL_LIB_CTX_new()),
      received_(new Received),
      sending_(new Sending),
      plain_(new char[kPlainRecordBytes]) {}

TlsLibrary::~TlsLibrary() {
    OSSL_LIB_CTX_free(context_);
}

const std::shared_ptr<TlsLibrary>& TlsLibrary::current() {
    thread_local const auto library = std::make_shared<TlsLibrary>();
    return library;
}

}  // namespace gantry::net
