// The normal form of paths: normalize_path() of uri.hpp.
#include "core/base/text.hpp"
#include "core/http/uri.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gantry::http {

namespace {

tl::unexpected<Error> bad_path(const char* context) {
    return fail(Code::BadRequest, Side::Client, context);
}

constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Is the segment that begins at `at` "." or ".."?
bool is_dot_segment(std::string_view path, std::size_t at) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    return segment == "." || segment == "..";
}

// May the sixteen bytes at `at`, or the one behind them, keep a path from being in normal form?
bool is_suspicious16(const char* at) {
#if defined(__SSE2__)
    const auto load = [](const char* from) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    };
    const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const __m128i bytes = load(at);
    const __m128i next = load(at + 1);
    const __m128i control =
        _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes), is(bytes, 0x7F));
    const __m128i segment = _mm_and_si128(is(bytes, '/'), _mm_or_si128(is(next, '/'), is(next, '.')));
    const __m128i escape = _mm_or_si128(is(bytes, '%'), is(bytes, '\\'));
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, segment), escape)) != 0;
#else
    return at != nullptr;
#endif
}

// What a byte may do to the normal form; a slash or dot only behind a slash.
constexpr std::uint8_t kAlways = 1;
constexpr std::uint8_t kBehindSlash = 2;
constexpr std::uint8_t kSlash = 4;

constexpr std::array<std::uint8_t, 256> kEffects = [] {
    std::array<std::uint8_t, 256> effects{};
    for (int c = 0; c < 256; ++c) {
        if (is_control(static_cast<char>(c))) effects[static_cast<std::size_t>(c)] = kAlways;
    }
    effects['%'] = effects['\\'] = kAlways;
    effects['.'] = kBehindSlash;
    effects['/'] = kBehindSlash | kSlash;
    return effects;
}();

// Is there nothing that could keep the path from being in normal form?
bool is_plain(std::string_view path) {
    std::size_t i = 0;
    while (path.size() - i > 16 && !is_suspicious16(path.data() + i)) i += 16;
    unsigned found = 0;
    unsigned matters = kAlways;
    for (; i < path.size(); ++i) {
        const unsigned effect = kEffects[static_cast<unsigned char>(path[i])];
        found |= effect & matters;
        matters = kAlways | (effect & kSlash) >> 1;
    }
    return found == 0;
}

bool is_normal(std::string_view path, bool merge_slashes) {
    if (is_plain(path)) return true;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%' || path[i] == '\\' || is_control(path[i])) return false;
        if (path[i] != '/' || i + 1 == path.size()) continue;
        if (path[i + 1] == '/' && merge_slashes) return false;
        if (path[i + 1] == '.' && is_dot_segment(path, i + 1)) return false;
    }
    return true;
}

// The octet at `at`, decoded, and how many bytes it takes there; 0 at the end of the path or for a bad
// escape.
struct Octet {
    char value = '\0';
    std::size_t bytes = 0;
};

Octet octet_at(std::string_view path, std::size_t at) {
    if (at >= path.size()) return {};
    if (path[at] != '%') return {path[at], 1};
    if (path.size() - at < 3) return {};
    const int high = hex_value(path[at + 1]);
    const int low = hex_value(path[at + 2]);
    if (high < 0 || low < 0) return {};
    return {static_cast<char>(high << 4 | low), 3};
}

// Would the text at `at`, decoded, turn a "%" before it into the escape of a slash or backslash?
bool completes_slash(std::string_view path, std::size_t at) {
    const Octet first = octet_at(path, at);
    const Octet second = octet_at(path, at + first.bytes);
    if (first.bytes == 0 || second.bytes == 0) return false;
    return (first.value == '2' && to_lower(second.value) == 'f') ||
           (first.value == '5' && to_lower(second.value) == 'c');
}

// Decodes into `to`, which has room for path.size() bytes and two more for each backslash, and returns the
// end.
Result<char*> decode(std::string_view path, EncodedSlash encoded, char* to) {
    for (std::size_t at = 0; at < path.size();) {
        const Octet octet = octet_at(path, at);
        if (octet.bytes == 0) return bad_path("because of a bad escape in the path");
        if (is_control(octet.value)) return bad_path("because of a control byte in the path");
        at += octet.bytes;
        // A backslash is never legal in a path, so a bare one means no more than an encoded one.
        const bool is_slash = octet.value == '\\' || (octet.value == '/' && octet.bytes == 3);
        std::string_view kept;
        if (is_slash) {
            if (encoded == EncodedSlash::Reject) return bad_path("because of an encoded slash in the path");
            if (encoded == EncodedSlash::Keep) kept = octet.value == '/' ? "%2F" : "%5C";
        } else if (octet.bytes == 3 && octet.value == '%' && encoded == EncodedSlash::Keep &&
                   completes_slash(path, at)) {
            kept = "%25";
        }
        if (kept.empty()) {
            *to++ = octet.value;
        } else {
            to = std::copy(kept.begin(), kept.end(), to);
        }
    }
    return to;
}

// Removes dot segments and empty ones within [begin, end), which starts with "/"; null when it climbs above
// the root.
char* resolve(char* begin, char* end, bool merge_slashes) {
    char* to = begin + 1;  // behind a "/", always
    for (char* segment = begin + 1; segment <= end;) {
        char* const stop = std::find(segment, end, '/');
        const std::string_view text(segment, static_cast<std::size_t>(stop - segment));
        const bool is_last = stop == end;
        segment = stop + 1;
        if (text == ".") continue;
        if (text == "..") {
            if (to == begin + 1) return nullptr;
            for (--to; to[-1] != '/'; --to) {
            }
            continue;
        }
        if (text.empty() && (is_last || merge_slashes)) continue;
        std::memmove(to, text.data(), text.size());
        to += text.size();
        if (!is_last) *to++ = '/';
    }
    return to;
}

}  // namespace

Result<std::string_view> normalize_path(std::string_view path, EncodedSlash encoded, bool merge_slashes,
                                        Arena& arena) {
    if (path == "*") return path;
    if (path.empty() || path.front() != '/') return bad_path("because the path does not begin with a slash");
    if (is_normal(path, merge_slashes)) return path;
    // Bare backslashes become three bytes; and one more than is written, as resolve() steps behind the end.
    const auto backslashes = static_cast<std::size_t>(std::count(path.begin(), path.end(), '\\'));
    char* const begin = static_cast<char*>(arena.allocate(path.size() + 2 * backslashes + 1, 1));
    const auto decoded = decode(path, encoded, begin);
    if (!decoded) return tl::unexpected<Error>(decoded.error());
    char* const end = resolve(begin, *decoded, merge_slashes);
    if (end == nullptr) return bad_path("because the path climbs above the root");
    return std::string_view(begin, static_cast<std::size_t>(end - begin));
}

}  // namespace gantry::http
