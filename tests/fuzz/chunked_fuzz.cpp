// Chunked bodies: cut anywhere, the same bytes come out, and what was accepted can be written again.
#include "core/http/chunked.hpp"

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

struct Decoded {
    std::string body;
    std::size_t consumed = 0;
    bool last = false;
    bool failed = false;

    bool operator==(const Decoded&) const = default;
};

void feed(ChunkedDecoder& decoder, std::string_view part, Decoded& decoded) {
    while (!decoded.failed && !decoded.last) {
        const auto step = decoder.feed(part);
        decoded.failed = !step;
        if (!step) return;
        check(step->consumed <= part.size() && step->data.size() <= step->consumed, "no more than there is");
        decoded.body += step->data;
        decoded.consumed += step->consumed;
        decoded.last = step->last;
        if (step->consumed == 0) return;
        part.remove_prefix(step->consumed);
    }
}

// Cut at `at`.
Decoded decode(std::string_view text, std::size_t at) {
    ChunkedDecoder decoder(Side::Client);
    Decoded decoded;
    feed(decoder, text.substr(0, at), decoded);
    feed(decoder, text.substr(at), decoded);
    if (decoded.failed) decoded.consumed = 0;  // how far it came before that is nobody's business
    return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 600) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Decoded expected = decode(text, 0);
    for (std::size_t at = 1; at <= size; ++at) check(decode(text, at) == expected, "any cut");

    char framed[18];
    std::string again(framed, write_chunk_size(framed, expected.body.size()));
    if (expected.body.empty()) return 0;
    again += expected.body + "\r\n0\r\n";
    const Decoded back = decode(again, again.size() / 2);
    check(!back.failed && back.last && back.body == expected.body, "written and read again");
    return 0;
}
