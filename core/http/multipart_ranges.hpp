// The frame around several ranges of one content: multipart/byteranges (RFC 9110 14.6), and Content-Range.
#pragma once

#include "core/base/arena.hpp"
#include "core/http/range.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// "bytes 0-499/1234"
std::string_view content_range(const ByteRange& range, std::uint64_t size, Arena& arena);
// "bytes */1234", for 416.
std::string_view unsatisfied_range(std::uint64_t size, Arena& arena);

// Made once per response; everything lives in the arena. The body is part_head(0), the bytes of range 0,
// part_head(1), … and end().
class MultipartRanges {
public:
    // `size` is the length of the content, `content_type` its type ("" = none is said), `boundary` a random
    // number: the content must not be able to guess it.
    MultipartRanges(const RangeSet& ranges, std::uint64_t size, std::string_view content_type,
                    std::uint64_t boundary, Arena& arena);

    std::string_view content_type() const { return content_type_; }  // of the response
    std::uint64_t content_length() const { return content_length_; }
    std::size_t parts() const { return parts_; }
    std::string_view part_head(std::size_t index) const { return heads_[index]; }
    std::string_view end() const { return end_; }

private:
    std::string_view content_type_;
    std::string_view end_;
    std::uint64_t content_length_ = 0;
    std::size_t parts_ = 0;
    std::string_view heads_[kMaxRanges];
};

}  // namespace gantry::http
