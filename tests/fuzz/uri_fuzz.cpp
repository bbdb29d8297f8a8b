// Paths, authorities and queries: what comes out is a normal form indeed, and stays one.
#include "core/http/uri.hpp"

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

void check_normal(std::string_view path, bool merged) {
    check(path.front() == '/', "begins with a slash");
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        check(segment != "." && segment != "..", "no dot segments");
        check(!merged || !segment.empty() || at == 0, "no empty segments");
        at = end + 1;
    }
    for (const char c : path) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "no control bytes");
}

void check_path(std::string_view path) {
    for (const EncodedSlash encoded : {EncodedSlash::Keep, EncodedSlash::Reject, EncodedSlash::Decode}) {
        for (const bool merge : {true, false}) {
            Arena arena;
            const auto normal = normalize_path(path, encoded, merge, arena);
            if (!normal || *normal == "*") continue;
            check_normal(*normal, merge);
            const auto wire = percent_encode_path(*normal, arena, encoded);
            for (const char c : wire)
                check(c > 0x20 && c < 0x7F && c != '?' && c != '#', "fit for a request line");
            const auto again = normalize_path(wire, encoded, merge, arena);
            check(again.has_value() && *again == *normal, "there and back");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_path(text);
    if (const auto authority = parse_authority(text)) {
        check(!authority->host.empty(), "a host");
        const std::size_t brackets = authority->is_ipv6 ? 2 : 0;
        check(authority->host.size() + authority->port.size() + brackets <= text.size(), "within the text");
        for (const char c : authority->port) check(c >= '0' && c <= '9', "a port of digits");
        check(authority->host.find_first_of("/\\@ %") == std::string_view::npos, "a host and nothing else");
    }
    Arena arena;
    std::string_view value;
    const std::size_t cut = text.find('\n');
    if (cut != text.npos && query_value(text.substr(cut + 1), text.substr(0, cut), value)) {
        check(value.find('&') == value.npos, "one value");
    }
    check(percent_decode(text, true, arena).size() <= size, "decoding shrinks");
    return 0;
}
