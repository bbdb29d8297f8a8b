// Range fields and the frame of several parts: in bounds, and as long as announced. Input: "SIZE\nFIELD".
#include "core/base/text.hpp"
#include "core/http/multipart_ranges.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = text.find('\n');
    if (cut == text.npos) return 0;
    const std::uint64_t content = parse_decimal(text.substr(0, cut)).value_or(1000);
    const RangeSet set = parse_range(text.substr(cut + 1), content);
    check((set.kind == RangeSet::Kind::Satisfiable) == (set.count > 0), "ranges only where satisfiable");
    check(set.count <= kMaxRanges, "not too many");
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < set.count; ++i) {
        const ByteRange& range = set.ranges[i];
        check(range.first <= range.last && range.last < content, "within the content");
        check(range.size() <= content - total, "no more than the content");
        total += range.size();
    }
    if (set.count == 0) return 0;

    Arena arena;
    const MultipartRanges frame(set, content, "text/plain", content * 0x9E3779B97F4A7C15u, arena);
    std::uint64_t length = frame.end().size() + total;
    const std::string_view boundary = frame.content_type().substr(frame.content_type().find('=') + 1);
    for (std::size_t i = 0; i < frame.parts(); ++i) {
        const std::string_view head = frame.part_head(i);
        length += head.size();
        check(head.find(boundary) != head.npos, "the boundary before each part");
        check(head.find(content_range(set.ranges[i], content, arena)) != head.npos, "the range in each part");
        check(head.substr(head.size() - 4) == "\r\n\r\n", "the end of the part's head");
    }
    check(length == frame.content_length(), "the announced length");
    return 0;
}
