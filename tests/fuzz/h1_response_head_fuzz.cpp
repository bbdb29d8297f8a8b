// Response heads and trailers of peers: scalar and SIMD agree, whole and in drops.
#include "core/http/h1_parser.hpp"

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

std::string describe(const Result<std::size_t>& result, const ResponseHead& head) {
    if (!result) return std::string("bad") + result.error().context;
    if (*result == 0) return "incomplete";
    std::string text = std::to_string(*result) + "|" + std::to_string(head.status) + "|" +
                       std::string(head.reason) + "|" + std::to_string(static_cast<int>(head.body)) +
                       std::to_string(head.content_length) + (head.keep_alive ? "k" : "c");
    for (const Field& field : head.headers) {
        text.append("|").append(field.name).append("=").append(field.value);
    }
    return text;
}

std::string parse(std::string_view text, Method request, std::size_t drop) {
    Arena arena;
    ResponseHead head(arena);
    std::size_t scanned = 0;
    Result<std::size_t> result = 0;
    for (std::size_t size = 0; size < text.size() && result && *result == 0;) {
        size = std::min(size + drop, text.size());
        result = parse_response_head(text.substr(0, size), {}, request, head, scanned);
    }
    if (!result) check(result.error().side == Side::Upstream, "errors are the peer's");
    if (result && *result > 0) {
        check(head.status >= 100 && head.status <= 999, "the status");
        check(!status_forbids_body(head.status) || head.body == BodyKind::None, "statuses without body");
        check(head.body != BodyKind::UntilClose || !head.keep_alive, "a body that ends by closing");
    }
    return describe(result, head);
}

std::string parse_trailer_part(std::string_view text, std::size_t drop) {
    Arena arena;
    ResponseHead head(arena);
    std::size_t scanned = 0;
    Result<std::size_t> result = 0;
    for (std::size_t size = 0; size < text.size() && result && *result == 0;) {
        size = std::min(size + drop, text.size());
        result = parse_trailers(text.substr(0, size), {}, Side::Upstream, head.headers, scanned);
    }
    return describe(result, head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const Method request : {Method::Get, Method::Head, Method::Connect}) {
        select_simd(Simd::Scalar);
        const std::string expected = parse(text, request, 4096);
        const std::string expected_trailers = parse_trailer_part(text, 4096);
        for (const Simd simd : {Simd::Scalar, Simd::Sse42, Simd::Avx2}) {
            if (!select_simd(simd)) continue;
            check(parse(text, request, 4096) == expected, "scalar and SIMD agree");
            check(parse_trailer_part(text, 4096) == expected_trailers, "scalar and SIMD agree on trailers");
            const std::string dripped = parse(text, request, 1);
            check(dripped == expected || (dripped == "incomplete" && expected.substr(0, 3) == "bad"),
                  "drops");
            const std::string dripped_trailers = parse_trailer_part(text, 1);
            check(dripped_trailers == expected_trailers ||
                      (dripped_trailers == "incomplete" && expected_trailers.substr(0, 3) == "bad"),
                  "drops of trailers");
        }
    }
    return 0;
}
