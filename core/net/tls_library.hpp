// What OpenSSL needs once per thread: a library context of its own, as threads that share one wait for each
// other's locks (OpenSSL 3.0), and the buffers that connections use while they are being served. For net/
// only.
#pragma once

#include <cstddef>
#include <memory>

struct ossl_lib_ctx_st;

namespace gantry::net {

class TlsTransport;

// A TLS record on the wire: header, 16 KiB, and what ciphers add (RFC 8446 5.2, RFC 5246 6.2.3).
inline constexpr std::size_t kMaxRecordBytes = 5 + 16 * 1024 + 2048;
inline constexpr std::size_t kPlainRecordBytes = 16 * 1024;

class TlsLibrary {
public:
    TlsLibrary();
    ~TlsLibrary();
    TlsLibrary(const TlsLibrary&) = delete;
    TlsLibrary& operator=(const TlsLibrary&) = delete;

    // This thread's; made on first use. Whoever holds it keeps it usable after the thread has ended.
    static const std::shared_ptr<TlsLibrary>& current();

    ossl_lib_ctx_st* context() const { return context_; }

    // Received and not decrypted yet: of `received_by`, until another connection receives something.
    struct Received {
        TlsTransport* owner = nullptr;
        std::size_t begin = 0;
        std::size_t end = 0;
        char bytes[kMaxRecordBytes];
    };
    // Encrypted and not sent yet: empty between two calls of a transport.
    struct Sending {
        std::size_t size = 0;
        char bytes[4 * kMaxRecordBytes];
        std::size_t room() const { return sizeof bytes - size; }
    };
    Received& received() { return *received_; }
    Sending& sending() { return *sending_; }
    char* plain() { return plain_.get(); }  // kPlainRecordBytes, to gather a record in

private:
    ossl_lib_ctx_st* context_;
    std::unique_ptr<Received> received_;
    std::unique_ptr<Sending> sending_;
    std::unique_ptr<char[]> plain_;
};

}  // namespace gantry::net
