#include "core/base/text.hpp"
#include "core/http/h1_lines.hpp"
#include "core/http/header_lookup.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace gantry::http {

namespace {

constexpr std::uint8_t kToken = 1;
constexpr std::uint8_t kTarget = 2;
constexpr std::uint8_t kValue = 4;

constexpr std::array<std::uint8_t, 256> kClasses = [] {
    std::array<std::uint8_t, 256> classes{};
    for (int c = 0; c < 256; ++c) {
        std::uint8_t& what = classes[static_cast<std::size_t>(c)];
        if (c > 0x20 && c < 0x7F && c != '#') what |= kTarget;
        if ((c >= 0x20 && c != 0x7F) || c == '\t') what |= kValue;
    }
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz")) {
        classes[static_cast<unsigned char>(c)] |= kToken;
    }
    return classes;
}();

template <std::uint8_t kClass>
inline const char* scan(const char* at, const char* end) {
    while (at != end && (kClasses[static_cast<unsigned char>(*at)] & kClass) != 0) ++at;
    return at;
}

inline const char* scan_token(const char* at, const char* end) {
    return scan<kToken>(at, end);
}
inline const char* scan_target(const char* at, const char* end) {
    return scan<kTarget>(at, end);
}
inline const char* scan_value(const char* at, const char* end) {
    return scan<kValue>(at, end);
}

constexpr int kLook = 0;
struct Look {
    unsigned colons = 0;
    unsigned controls = 0;
};
inline Look look_at(const char* /*at*/) {
    return {};
}

#define GANTRY_SCAN
#include "core/http/h1_lines.inc"

}  // namespace

const LineScans& scalar_line_scans() {
    return kScans;
}

}  // namespace gantry::http
