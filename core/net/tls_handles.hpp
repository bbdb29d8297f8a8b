// Owning pointers to OpenSSL's objects. For the sources of net/ that speak to OpenSSL; no header includes
// this.
#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace gantry::net {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

using BioHandle = Handle<BIO, BIO_free>;
using KeyHandle = Handle<EVP_PKEY, EVP_PKEY_free>;
using X509Handle = Handle<X509, X509_free>;
using X509StoreHandle = Handle<X509_STORE, X509_STORE_free>;
using SslContextHandle = Handle<SSL_CTX, SSL_CTX_free>;
using SessionHandle = Handle<SSL_SESSION, SSL_SESSION_free>;
using OcspResponseHandle = Handle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OcspBasicHandle = Handle<OCSP_BASICRESP, OCSP_BASICRESP_free>;

inline void free_chain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}
using ChainHandle = Handle<STACK_OF(X509), free_chain>;

}  // namespace gantry::net
