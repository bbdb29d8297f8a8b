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

#define GANTRY_SCAN __attribute__((target("avx2,bmi")))
#include "core/http/h1_scan16.inc"

GANTRY_SCAN inline __m256i load32(const char* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

GANTRY_SCAN inline unsigned not_target32(const char* at) {
    const __m256i bytes = load32(at);
    const __m256i above_space = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(0x20));
    const __m256i marks = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7F)),
                                          _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('#')));
    return ~static_cast<unsigned>(_mm256_movemask_epi8(_mm256_andnot_si256(marks, above_space)));
}

GANTRY_SCAN inline unsigned not_value32(const char* at) {
    const __m256i bytes = load32(at);
    const __m256i below_space = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes);
    const __m256i control =
        _mm256_andnot_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\t')), below_space);
    const __m256i bad = _mm256_or_si256(control, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7F)));
    return static_cast<unsigned>(_mm256_movemask_epi8(bad));
}

// Names are short: sixteen bytes hold nearly all of them.
GANTRY_SCAN inline const char* scan_token(const char* at, const char* end) {
    for (; end - at >= 16; at += 16) {
        if (const unsigned bad = not_token16(at); bad != 0) return at + std::countr_zero(bad);
    }
    while (at != end && is_token_byte(*at)) ++at;
    return at;
}

GANTRY_SCAN inline const char* scan_target(const char* at, const char* end) {
    for (; end - at >= 32; at += 32) {
        if (const unsigned bad = not_target32(at); bad != 0) return at + std::countr_zero(bad);
    }
    if (end - at >= 16) {
        if (const unsigned bad = not_target16(at); bad != 0) return at + std::countr_zero(bad);
        at += 16;
    }
    while (at != end && is_target_byte(*at)) ++at;
    return at;
}

GANTRY_SCAN inline const char* scan_value(const char* at, const char* end) {
    for (; end - at >= 32; at += 32) {
        if (const unsigned bad = not_value32(at); bad != 0) return at + std::countr_zero(bad);
    }
    if (end - at >= 16) {
        if (const unsigned bad = not_value16(at); bad != 0) return at + std::countr_zero(bad);
        at += 16;
    }
    while (at != end && is_value_byte(*at)) ++at;
    return at;
}

constexpr int kLook = 32;
struct Look {
    unsigned colons;
    unsigned controls;
};
GANTRY_SCAN inline Look look_at(const char* at) {
    const __m256i colons = _mm256_cmpeq_epi8(load32(at), _mm256_set1_epi8(':'));
    return {static_cast<unsigned>(_mm256_movemask_epi8(colons)), not_value32(at)};
}

#include "core/http/h1_lines.inc"

}  // namespace

const LineScans* avx2_line_scans() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") ? &kScans : nullptr;
}

#else

const LineScans* avx2_line_scans() {
    return nullptr;
}

#endif

}  // namespace gantry::http
