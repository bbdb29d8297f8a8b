// What the framing fields of a message mean (RFC 9112 6 and 9.3): transfer codings, lengths, persistence.
// Internal to h1_parser.cpp.
#pragma once

#include "core/http/headers.hpp"
#include "core/http/message.hpp"

#include <cstdint>
#include <optional>

namespace gantry::http {

struct ConnectionOptions {
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;
};

// From all Connection fields.
ConnectionOptions connection_options(const Headers& headers);

// After RFC 9112 9.3; "close" beats "keep-alive".
bool is_persistent(Version version, ConnectionOptions options);

enum class TransferCoding : std::uint8_t {
    Chunked,  // exactly that, once
    Unknown,  // well formed, with a coding that we do not know
    Bad,      // no list of codings, chunked twice, with parameters, or not at the end
};

// From all Transfer-Encoding fields; there is at least one.
TransferCoding transfer_coding(const Headers& headers);

// The value of a Content-Length field: digits only, below 2^63.
std::optional<std::uint64_t> content_length(std::string_view value);

}  // namespace gantry::http
