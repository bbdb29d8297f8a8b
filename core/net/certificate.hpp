// Certificates as bytes: read from PEM files, checked, and judged in words that an operator understands.
#pragma once

#include "core/conf/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::net {

// What is wrong with a certificate. An Error: it cannot be served. A Warning: it is, but somebody should
// look. The text names the file; the caller puts the place in front.
struct CertificateProblem {
    enum class Kind : std::uint8_t { Warning, Error };
    enum class File : std::uint8_t { Certificate, Key, Ocsp };
    Kind kind = Kind::Error;
    std::string text;
    std::string hint = {};          // what to do about it
    File file = File::Certificate;  // where to look
    std::size_t number = 0;         // which of the host's certificates (CertificateStore::acquire)
};

// Where the configuration names the file that `problem` is about.
conf::Place place_of(const CertificateProblem& problem, const conf::Certificate& files);

// A certificate with its chain and key, checked to belong together. Immutable, so every thread may read it; a
// worker makes its own OpenSSL objects of it, as those are bound to the worker's library context.
struct CertificateData {
    CertificateData() = default;
    CertificateData(const CertificateData&) = delete;
    CertificateData& operator=(const CertificateData&) = delete;
    ~CertificateData();  // wipes the key

    std::string source;              // the certificate file, or who offered it; "self-signed" without one
    std::vector<std::string> chain;  // DER, leaf first
    std::string key;                 // DER
    std::string ocsp;                // DER of a good response for the leaf; "" = none
    std::int64_t ocsp_until = 0;     // Unix seconds; 0: no end
    std::int64_t not_before = 0;     // Unix seconds
    std::int64_t not_after = 0;
    std::string subject;             // "CN=example.com,O=Example"
    std::vector<std::string> names;  // of subjectAltName: DNS names in lower case, addresses as text
    std::string kind;                // "RSA", "EC", "ED25519"
};
using CertificatePtr = std::shared_ptr<const CertificateData>;

struct CertificateLoad {
    CertificatePtr certificate;  // null: there is an Error among the problems
    std::vector<CertificateProblem> problems;
};

// What somebody hands over in the place of files.
struct CertificatePem {
    std::string_view chain;  // PEM, leaf first
    std::string_view key;    // PEM; empty: it stands in `chain`
    std::string_view ocsp;   // DER; empty: none
    std::string source;      // what people know it by
};

// Judges it as files are judged. Does not block. [any]
CertificateLoad read_certificate(const CertificatePem& pem);

// Reads the files. An empty key_file: the key stands in the certificate file. Blocks on the disk. [any]
CertificateLoad load_certificate(const conf::Certificate& files);

// All that is wrong with the files for a host of these names ("example.com", "*.example.com"). For
// `gantry check`. [any]
std::vector<CertificateProblem> check_certificate(const conf::Certificate& files,
                                                  const std::vector<std::string>& names);

// Is `name` (lower case; or "*.example.com") among the certificate's names (RFC 6125 6.4: a wildcard stands
// for one label)?
bool covers(const CertificateData& certificate, std::string_view name);

// A new ECDSA P-256 key and a certificate for `names` (the first one is its CN), valid for two years, in
// memory only. Null when OpenSSL has no randomness. [any]
CertificatePtr make_self_signed(const std::vector<std::string>& names);

}  // namespace gantry::net
