#include "core/base/text.hpp"
#include "core/http/h1_lines.hpp"
#include "core/http/header_lookup.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gantry::http {

#if defined(__x86_64__)

namespace {

#define GANTRY_SCAN __attribute__((target("sse4.2")))
#include "core/http/h1_scan16.inc"

GANTRY_SCAN inline const char* scan_token(const char* at, const char* end) {
    for (; end - at >= 16; at += 16) {
        if (const unsigned bad = not_token16(at); bad != 0) return at + std::countr_zero(bad);
    }
    while (at != end && is_token_byte(*at)) ++at;
    return at;
}

GANTRY_SCAN inline const char* scan_target(const char* at, const char* end) {
    for (; end - at >= 16; at += 16) {
        if (const unsigned bad = not_target16(at); bad != 0) return at + std::countr_zero(bad);
    }
    while (at != end && is_target_byte(*at)) ++at;
    return at;
}

GANTRY_SCAN inline const char* scan_value(const char* at, const char* end) {
    for (; end - at >= 16; at += 16) {
        if (const unsigned bad = not_value16(at); bad != 0) return at + std::countr_zero(bad);
    }
    while (at != end && is_value_byte(*at)) ++at;
    return at;
}

constexpr int kLook = 16;
struct Look {
    unsigned colons;
    unsigned controls;
};
GANTRY_SCAN inline Look look_at(const char* at) {
    const __m128i colons = _mm_cmpeq_epi8(load16(at), _mm_set1_epi8(':'));
    return {static_cast<unsigned>(_mm_movemask_epi8(colons)), not_value16(at)};
}

#include "core/http/h1_lines.inc"

}  // namespace

const LineScans* sse42_line_scans() {
    return __builtin_cpu_supports("sse4.2") ? &kScans : nullptr;
}

#else

const LineScans* sse42_line_scans() {
    return nullptr;
}

#endif

}  // namespace gantry::http
