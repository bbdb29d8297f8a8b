// Takes the framing off a message body: Content-Length, chunked with trailers, or everything until the close
// (RFC 9112 6 and 7). Does no I/O.
#pragma once

#include "core/base/result.hpp"
#include "core/http/chunked.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/message.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// One per message.
class BodyDecoder {
public:
    explicit BodyDecoder(Side side) : side_(side), chunks_(side) {}

    // `length` counts with BodyKind::Length only.
    void start(BodyKind kind, std::uint64_t length);

    struct Step {
        std::size_t consumed = 0;  // of the input
        std::string_view data;     // body, a view into the input
        bool end = false;          // nothing of the body comes after this
    };

    // Call again with what is left of the input until nothing is consumed; then more bytes are needed.
    // Trailer fields go to `trailers` as views into the input, which must hold all of them at once: an
    // incomplete set is not consumed.
    Result<Step> feed(std::string_view input, const HeadLimits& limits, Headers& trailers);

    bool is_complete() const { return complete_; }
    BodyKind kind() const { return kind_; }
    // Bytes still to come, with BodyKind::Length.
    std::uint64_t left() const { return left_; }

private:
    Side side_;
    BodyKind kind_ = BodyKind::None;
    bool complete_ = true;
    bool in_trailers_ = false;
    std::uint64_t left_ = 0;
    std::size_t scanned_ = 0;
    ChunkedDecoder chunks_;
};

}  // namespace gantry::http
