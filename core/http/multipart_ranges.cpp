#include "core/http/multipart_ranges.hpp"

#include <charconv>

namespace gantry::http {

namespace {

// The decimal digits of a number, as text for Arena::join.
class Decimal {
public:
    explicit Decimal(std::uint64_t value)
        : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, value).ptr - text_)) {}

    operator std::string_view() const { return {text_, size_}; }  // NOLINT(google-explicit-constructor): text

private:
    char text_[20];
    std::size_t size_;
};

constexpr std::size_t kBoundaryDigits = 16;

}  // namespace

std::string_view content_range(const ByteRange& range, std::uint64_t size, Arena& arena) {
    return arena.join("bytes ", Decimal(range.first), "-", Decimal(range.last), "/", Decimal(size));
}

std::string_view unsatisfied_range(std::uint64_t size, Arena& arena) {
    return arena.join("bytes */", Decimal(size));
}

MultipartRanges::MultipartRanges(const RangeSet& ranges, std::uint64_t size, std::string_view content_type,
                                 std::uint64_t boundary, Arena& arena)
    : parts_(ranges.count) {
    char digits[kBoundaryDigits];
    for (std::size_t i = 0; i < kBoundaryDigits; ++i)
        digits[i] = "0123456789abcdef"[boundary >> (60 - 4 * i) & 15];
    const std::string_view mark(digits, kBoundaryDigits);
    content_type_ = arena.join("multipart/byteranges; boundary=", mark);
    const std::string_view type_line =
        content_type.empty() ? "" : arena.join("Content-Type: ", content_type, "\r\n");
    for (std::size_t i = 0; i < parts_; ++i) {
        heads_[i] = arena.join(i == 0 ? "--" : "\r\n--", mark, "\r\n", type_line,
                               "Content-Range: ", content_range(ranges.ranges[i], size, arena), "\r\n\r\n");
        content_length_ += heads_[i].size() + ranges.ranges[i].size();
    }
    end_ = arena.join("\r\n--", mark, "--\r\n");
    content_length_ += end_.size();
}

}  // namespace gantry::http
