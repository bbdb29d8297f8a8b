// The chunked transfer coding (RFC 9112 7.1), decoding side. Does no I/O.
#pragma once

#include "core/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// One per body. Feed it bytes in any pieces; it hands back views of the data between the framing.
class ChunkedDecoder {
public:
    explicit ChunkedDecoder(Side side) : side_(side) {}

    struct Step {
        std::size_t consumed = 0;  // bytes of the input that are dealt with, `data` included
        std::string_view data;     // a piece of body, a view into the input; may be empty
        bool last = false;  // the zero chunk was read: what follows are the trailer fields and the empty line
                            // (parse_trailers)
    };

    // Call again with what is left until it consumes nothing. Chunk extensions are skipped, at most 256 bytes
    // a chunk; sizes of more than 16 digits, bare LF and missing CRLF are errors.
    Result<Step> feed(std::string_view input);

private:
    enum class State : std::uint8_t { SizeStart, Size, Blank, Extension, SizeLf, Data, DataCr, DataLf, Done };

    Side side_;
    State state_ = State::SizeStart;
    std::uint8_t digits_ = 0;
    std::uint16_t extension_ = 0;
    std::uint64_t left_ = 0;
};

// Writes "<hex size>\r\n" to `to` (at least 18 bytes) and returns its length.
std::size_t write_chunk_size(char* to, std::uint64_t size);

}  // namespace gantry::http
