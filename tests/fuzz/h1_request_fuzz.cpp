// Request heads: every implementation of the scans, whole and a byte at a time, gives the same answer.
#include "core/http/h1_parser.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

// The answer as text, with offsets instead of views, so that two can be compared.
std::string describe(const Result<std::size_t>& result, const RequestHead& head, const char* begin) {
    if (!result) return std::to_string(static_cast<int>(result.error().code)) + result.error().context;
    if (*result == 0) return "incomplete";
    std::string text = std::to_string(*result);
    const auto put = [&](std::string_view part) {
        const bool within = part.data() >= begin && part.data() < begin + *result;
        text += "|" + (within ? std::to_string(part.data() - begin) : std::string(part)) + "+" +
                std::to_string(part.size());
    };
    for (const std::string_view part :
         {head.method_name, head.target, head.scheme, head.authority, head.path, head.query}) {
        put(part);
    }
    for (const int value :
         {static_cast<int>(head.method), static_cast<int>(head.version), static_cast<int>(head.body),
          int{head.has_query}, int{head.keep_alive}, int{head.expects_continue}, int{head.wants_upgrade}}) {
        text += "," + std::to_string(value);
    }
    text += "," + std::to_string(head.content_length);
    for (const Field& field : head.headers) {
        put(field.name);
        put(field.value);
        text += std::to_string(static_cast<int>(field.id));
    }
    return text;
}

// What must hold of a head that was accepted.
void check_accepted(const RequestHead& head, const HeadLimits& limits) {
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    for (const Field& field : head.headers) {
        check(!field.name.empty() && field.id == header_id(field.name), "the id of a field");
        for (const char c : field.name) check(c > 0x20 && c < 0x7F && c != ':', "a byte of a name");
        for (const char c : field.value) {
            check(static_cast<unsigned char>(c) >= 0x20 ? c != 0x7F : c == '\t', "a byte of a value");
        }
        hosts += field.id == HeaderId::Host ? 1 : 0;
        lengths += field.id == HeaderId::ContentLength ? 1 : 0;
    }
    check(head.headers.size() <= limits.fields, "the number of fields");
    check(hosts <= 1 && (hosts == 1 || head.version == Version::Http10), "one Host");
    check(lengths == (head.body == BodyKind::Length ? 1 : 0), "one Content-Length");
    check(head.headers.has(HeaderId::TransferEncoding) == (head.body == BodyKind::Chunked), "framing");
    check(!head.target.empty() && head.target.size() <= limits.line_bytes, "the target");
}

// The input in memory of exactly its size, so that reading past it is seen.
struct Bytes {
    explicit Bytes(std::string_view text) : data(new char[text.size()]), size(text.size()) {
        if (size > 0) std::memcpy(data.get(), text.data(), size);
    }
    std::string_view view() const { return {data.get(), size}; }
    std::unique_ptr<char[]> data;
    std::size_t size;
};

std::string parse_whole(const Bytes& bytes, const HeadLimits& limits) {
    Arena arena;
    RequestHead head(arena);
    std::size_t scanned = 0;
    const auto result = parse_request_head(bytes.view(), limits, head, scanned);
    if (result && *result > 0) check_accepted(head, limits);
    return describe(result, head, bytes.data.get());
}

std::string parse_drops(const Bytes& bytes, const HeadLimits& limits, std::size_t drop) {
    Arena arena;
    RequestHead head(arena);
    std::size_t scanned = 0;
    Result<std::size_t> result = 0;
    for (std::size_t size = 0; size < bytes.size && result && *result == 0;) {
        size = std::min(size + drop, bytes.size);
        result = parse_request_head(bytes.view().substr(0, size), limits, head, scanned);
    }
    return describe(result, head, bytes.data.get());
}

void check_all(std::string_view text, const HeadLimits& limits) {
    const Bytes bytes(text);
    check(select_simd(Simd::Scalar), "the scalar scans are always there");
    const std::string expected = parse_whole(bytes, limits);
    for (const Simd simd : {Simd::Scalar, Simd::Sse42, Simd::Avx2}) {
        if (!select_simd(simd)) continue;
        check(parse_whole(bytes, limits) == expected, "scalar and SIMD agree");
        for (const std::size_t drop : {1u, 7u}) {
            const std::string dripped = parse_drops(bytes, limits, drop);
            // An error may be told late when the input comes in drops.
            const bool is_late = dripped == "incomplete" && expected.find_first_of("0123456789") == 0;
            check(dripped == expected || is_late, "drops and whole agree");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    HeadLimits small;
    small.line_bytes = 64;
    small.head_bytes = 256;
    small.fields = 5;
    check_all(text, {});
    check_all(text, small);
    return 0;
}
