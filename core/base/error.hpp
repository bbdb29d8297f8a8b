// The error value of the data plane: enough to choose a status, a log level and whether to retry, and small
// enough to return by value. It never allocates; the control plane uses conf/diagnostic instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry {

// What went wrong. The HTTP status follows from it (status_of).
enum class Code : std::uint8_t {
    BadRequest,           // 400: syntax or framing of the request
    UriTooLong,           // 414
    HeaderTooLarge,       // 431
    BodyTooLarge,         // 413
    VersionNotSupported,  // 505
    NotImplemented,       // 501: a transfer coding or method that we do not know
    RequestTimeout,       // 408
    Forbidden,            // 403
    NotFound,             // 404
    MethodNotAllowed,     // 405
    Misdirected,          // 421
    Closed,               // the other side closed or reset the connection
    Connect,              // 502: connecting to the peer failed
    BadResponse,          // 502: the peer's answer is not HTTP or breaks its framing
    UpstreamTimeout,      // 504
    Unavailable,          // 503: no peer, no capacity, host disabled
    Tls,                  // handshake or record failure
    Internal,             // 500
};

enum class Side : std::uint8_t { Client, Upstream, Us };

// May the same request be sent again, to this or another peer?
enum class Retry : std::uint8_t { No, Yes, OnlyIfReused };

struct Error {
    Code code = Code::Internal;
    Side side = Side::Us;
    Retry retry = Retry::No;
    int system = 0;            // errno, where the kernel said something
    const char* context = "";  // a literal, lower case: "while reading the request head"
};

// The HTTP status that a client is told; 0 where nothing can be told any more (Closed, Tls).
int status_of(const Error& error);

std::string_view name_of(Code code);

// For the log: "connect failed: Connection refused while connecting to the peer". Control plane or log only:
// allocates.
std::string describe(const Error& error);

}  // namespace gantry
