// Range requests (RFC 9110 14).
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::http {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // inclusive
    std::uint64_t size() const { return last - first + 1; }
};

// At most this many ranges are honoured; more, or overlapping ones that add up to more than the content, are
// answered with the whole content (RFC 9110 14.2 lets a server ignore Range).
inline constexpr std::size_t kMaxRanges = 16;

struct RangeSet {
    enum class Kind : std::uint8_t { Ignore, Satisfiable, Unsatisfiable };  // 200, 206, 416
    Kind kind = Kind::Ignore;
    std::size_t count = 0;
    ByteRange ranges[kMaxRanges];
};

// `value` is the Range field, `size` the length of the content.
RangeSet parse_range(std::string_view value, std::uint64_t size);

}  // namespace gantry::http
